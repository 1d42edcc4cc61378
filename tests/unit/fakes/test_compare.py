"""The comparison of two live engines sees what differs, and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes import compare

if TYPE_CHECKING:
    from collections.abc import Callable


def test_two_alike_do_not_differ(start: Callable[..., Any], capsys: pytest.CaptureFixture[str]):
    one, other = (f"http://127.0.0.1:{start(seed=seed).port}" for seed in (1, 2))
    assert compare.main(one, other) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.rstrip().endswith(" 0 different")


def test_differences_are_named(start: Callable[..., Any], capsys: pytest.CaptureFixture[str]):
    engine, odd = (
        start(),
        start('--custom-histogram-buckets={"time_to_first_token":[2]}', "--enable-prompt-tokens-details"),
    )
    odd.faults(dead=True)
    assert compare.main(f"http://127.0.0.1:{engine.port}", f"http://127.0.0.1:{odd.port}") == 1
    named = {line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")}
    assert {"health", "ping", "chat", "chat stream", "completion"} <= named
    assert "unknown model" not in named


def test_shapes_forget_values_and_nulls():
    assert compare.shape({"a": 1, "b": None, "c": [{"d": 2.5}, {"d": 3}]}) == {"a": "number", "c": [{"d": "number"}]}
