"""Findings as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from llmgen.doctor.finding import LEVELS, Finding

_COLOURS = {"fail": "\x1b[31m", "warn": "\x1b[33m", "unknown": "\x1b[36m", "ok": "\x1b[32m"}
_WIDTH = max(len(level) for level in LEVELS)


def text(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """Return the report: what is wrong first, each with why and how, then one line for each thing that is well."""
    lines = []
    for level in LEVELS:
        for subjects, finding in _together(one for one in findings if one.level == level):
            lines += _lines(finding, subjects, colour=colour)
    return "\n".join([*lines, "", summary(findings)])


def _together(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Say once what is the same of several subjects."""
    found: dict[Finding, list[str]] = {}
    for finding in findings:
        found.setdefault(replace(finding, subject=""), []).append(finding.subject)
    for finding, subjects in found.items():
        yield ", ".join(dict.fromkeys(subjects)), finding


def _lines(finding: Finding, subjects: str, *, colour: bool) -> list[str]:
    level = finding.level.ljust(_WIDTH)
    if colour:
        level = f"{_COLOURS[finding.level]}{level}\x1b[0m"
    lines = [f"{level} {finding.check} {subjects}: {finding.message}"]
    indent = " " * (_WIDTH + 1)
    if finding.why:
        lines.append(f"{indent}why: {finding.why}")
    if finding.fix:
        lines.append(f"{indent}fix: {finding.fix}")
    return lines


def summary(findings: Sequence[Finding]) -> str:
    """Count the levels."""
    counts = Counter(finding.level for finding in findings)
    return f"{len(findings)} things looked at: " + ", ".join(f"{counts[level]} {level}" for level in LEVELS)


def as_json(findings: Sequence[Finding], **about: str) -> dict[str, Any]:
    """Return the report for programs; ``about`` is put before it."""
    counts = Counter(finding.level for finding in findings)
    return {
        **about,
        "counts": {level: counts[level] for level in LEVELS},
        "findings": [
            {
                "check": finding.check, "subject": finding.subject, "level": finding.level,
                "message": finding.message, "why": finding.why, "fix": finding.fix,
            }
            for finding in sorted(findings, key=lambda one: LEVELS.index(one.level))
        ],
    }  # fmt: skip
