"""What was looked at and what was found: the result of every question."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

Level = Literal["fail", "warn", "unknown", "ok"]
LEVELS: tuple[Level, ...] = ("fail", "warn", "unknown", "ok")
"""Worst first. fail: installing or serving will not work. warn: it will, until something else happens. unknown: could not be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    ``check`` is a stable word for programs, ``subject`` what it is about, ``why`` what happens if nothing is done, and ``fix`` the
    command or the change that mends it; both are empty where all is well.
    """

    check: str
    subject: str
    level: Level
    message: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """One subject, and the findings about it."""

    check: str
    subject: str

    def asked(self, answer: Callable[..., Iterable[Finding]], *arguments: Any) -> Question:  # noqa: ANN401 -- the answer's own
        """Return the question that ``answer(self, *arguments)`` answers."""
        return Question(about=self, ask=partial(answer, self, *arguments))

    def ok(self, message: str) -> Finding:
        """All is well."""
        return Finding(check=self.check, subject=self.subject, level="ok", message=message)

    def warn(self, message: str, *, why: str, fix: str) -> Finding:
        """It works, until something else happens."""
        return Finding(check=self.check, subject=self.subject, level="warn", message=message, why=why, fix=fix)

    def fail(self, message: str, *, why: str, fix: str) -> Finding:
        """It will not work."""
        return Finding(check=self.check, subject=self.subject, level="fail", message=message, why=why, fix=fix)

    def unknown(self, message: str, *, why: str, fix: str) -> Finding:
        """It could not be seen."""
        return Finding(check=self.check, subject=self.subject, level="unknown", message=message, why=why, fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something to look at; ``ask`` may raise what the API raises, which makes its answer unknown."""

    about: About
    ask: Callable[[], Iterable[Finding]]


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level, ok for no finding."""
    return min((finding.level for finding in findings), key=LEVELS.index, default="ok")
