"""Cron expressions and time zones, as KEDA's cron trigger reads them (github.com/robfig/cron, five fields)."""

from __future__ import annotations

import functools
import re
import zoneinfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_ITEM = re.compile(r"(\*|\?|(?P<first>[0-9]+|[a-z]{3})(-(?P<last>[0-9]+|[a-z]{3}))?)(/(?P<step>[0-9]+))?")


def cron_mistake(expression: str) -> str | None:
    """Say what is wrong with the five fields of ``expression``; None when KEDA can read it."""
    for (field, least, most, names), text in zip(_FIELDS, expression.split(), strict=True):
        for item in text.lower().split(","):
            match = _ITEM.fullmatch(item)
            bounds = [_number(match[key], least, names) for key in ("first", "last") if match[key]] if match else [None]
            if any(bound is None or not least <= bound <= most for bound in bounds) or (match and match["step"] == "0"):
                return f"{item!r} is no {field}: {least} to {most}" + (
                    f", or {names[0]} to {names[-1]}" if names else ""
                )
            if len(bounds) == 2 and (bounds[0] or 0) > (bounds[1] or 0):  # noqa: PLR2004 -- a range
                return f"the range {item!r} of the {field} ends before it starts"
    return None


def _number(text: str, least: int, names: tuple[str, ...]) -> int | None:
    if text.isdecimal():
        return int(text)
    return names.index(text) + least if text in names else None


@functools.cache
def zones() -> frozenset[str]:
    """Return the IANA time zones this machine knows; empty where it has no time zone data."""
    return frozenset(zoneinfo.available_timezones())


def is_zone(name: str) -> bool:
    """Say whether ``name`` is a time zone; anything is where this machine has no list of them."""
    return not zones() or name in zones()
