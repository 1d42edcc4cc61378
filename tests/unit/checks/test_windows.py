"""Cron expressions as github.com/robfig/cron reads them, which KEDA's cron trigger uses."""

from __future__ import annotations

import pytest

from llmgen.checks.windows import cron_mistake, is_zone, zones


@pytest.mark.parametrize(
    "expression",
    [
        "0 8 * * *",
        "*/15 8-18/2 1,15 * 1-5",
        "59 23 31 12 6",
        "0 0 ? JAN-mar sun",
        "0 8 * * MON,wed-Fri",
        "5/10 0 1 1 0",
    ],
)
def test_readable(expression: str) -> None:
    assert cron_mistake(expression) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("60 8 * * *", "'60' is no minute: 0 to 59"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 8 0 * *", "'0' is no day of the month: 1 to 31"),
        ("0 8 * 13 *", "'13' is no month: 1 to 12, or jan to dec"),
        ("0 8 * * 7", "'7' is no day of the week: 0 to 6, or sun to sat"),
        ("0 8 * * foo", "'foo' is no day of the week"),
        ("0 18-8 * * *", "the range '18-8' of the hour ends before it starts"),
        ("*/0 8 * * *", "'*/0' is no minute"),
        ("0 8, * * *", "'' is no hour"),
        ("0 8- * * *", "'8-' is no hour"),
    ],
)
def test_mistakes(expression: str, said: str) -> None:
    found = cron_mistake(expression)
    assert found is not None
    assert found.startswith(said)


def test_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_zone("Europe/Berlin")
    assert is_zone("Etc/UTC")
    assert not is_zone("Europe/Berln")
    zones.cache_clear()
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    assert is_zone("Europe/Berln"), "a machine without time zone data refuses nothing"
    zones.cache_clear()
