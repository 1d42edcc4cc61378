"""Guess what a misspelt word was meant to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUTOFF = 0.7
"""Least difflib ratio of a guess: lets one wrong letter in four pass (``cuont``), keeps unrelated words apart."""

_WORD_STARTS = re.compile(r"(?:^|(?<=[-_. ]))\w|(?<=[a-z0-9])[A-Z]")

_LONGEST = 80
"""Longer words are pasted text, not a typing slip, and difflib is quadratic in their length."""


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Return the likeliest of ``candidates``, or None; case and the separators ``-_. `` do not count."""
    plain = {candidate: squashed(candidate) for candidate in candidates}
    wanted = squashed(word)
    if not wanted or len(wanted) > _LONGEST:
        return None
    for candidate, text in plain.items():
        if text == wanted:
            return candidate
    return _closest(wanted, plain)


def guess_hint(word: str, candidates: Iterable[str]) -> str | None:
    """Return ``did you mean 'x'?`` or None."""
    guess = did_you_mean(word, candidates)
    return None if guess is None else f"did you mean '{guess}'?"


def squashed(word: str) -> str:
    """Return ``word`` without case and separators: ``max_model-len`` and ``maxModelLen`` are then the same."""
    return "".join(sign for sign in word.casefold() if sign not in "-_. ")


def _closest(wanted: str, plain: dict[str, str]) -> str | None:
    from difflib import SequenceMatcher  # noqa: PLC0415 -- only wrong input needs it

    matcher = SequenceMatcher(b=wanted, autojunk=False)
    best, best_ratio = None, _CUTOFF
    for candidate, text in plain.items():
        matcher.set_seq1(text)
        if matcher.real_quick_ratio() < best_ratio or matcher.quick_ratio() < best_ratio:
            continue
        ratio = matcher.ratio()
        if ratio > best_ratio or (ratio == best_ratio and best is None):
            best, best_ratio = candidate, ratio
    return best or _abbreviated(wanted, plain) or _initials(wanted, plain)


def _initials(wanted: str, candidates: Iterable[str]) -> str | None:
    """Return the one candidate whose words begin with the letters of ``wanted``: ``tp`` for ``tensorParallel``."""
    fits = [candidate for candidate in candidates if "".join(_WORD_STARTS.findall(candidate)).casefold() == wanted]
    return fits[0] if len(fits) == 1 else None


def _abbreviated(wanted: str, plain: dict[str, str]) -> str | None:
    """Return the one candidate that ``wanted`` begins or ends, or that begins or ends ``wanted``."""
    least = 3
    if len(wanted) < least:
        return None
    fits = [
        candidate
        for candidate, text in plain.items()
        if len(text) >= least
        and (text.startswith(wanted) or text.endswith(wanted) or wanted.startswith(text) or wanted.endswith(text))
    ]
    return fits[0] if len(fits) == 1 else None
