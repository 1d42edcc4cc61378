"""What a word without quotes means, and which words mean different things to different YAML readers.

PyYAML follows YAML 1.1 with gaps, Helm (sigs.k8s.io/yaml) YAML 1.1 with other gaps, editors YAML 1.2. Only the
spellings on which all agree are accepted: true, false, null, plain decimal numbers, and text that nobody takes for
anything else.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

EXACT_LIMIT: Final = 2**53
"""From here on a 64-bit float, in which Helm keeps numbers, cannot hold every whole number."""

_EXACT: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None, "": None}
_BOOLEANS: Final = {
    "y": True,
    "yes": True,
    "on": True,
    "true": True,
    "n": False,
    "no": False,
    "off": False,
    "false": False,
}
_NULLS: Final = {"~", "null"}

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_ODD_INTEGER = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|[0-9][0-9_]*|[0-9][0-9_]*(?::[0-5]?[0-9])+)",
)
_ODD_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
_NUMBER_STARTS: Final = frozenset("0123456789+-.")


class Refusal(NamedTuple):
    """A word that is not accepted without quotes: ``value`` is what it was likely meant to be."""

    id: str
    message: str
    hint: str
    value: Scalar


def resolve(text: str) -> Scalar | Refusal:
    """Return what the word ``text`` (a plain scalar) means, or why it is refused."""
    if text in _EXACT:
        return _EXACT[text]
    if text[0] in _NUMBER_STARTS:
        return _number(text)
    return _word(text)


def _word(text: str) -> Scalar | Refusal:
    lower = text.lower()
    if lower in _BOOLEANS:
        value = _BOOLEANS[lower]
        plain = "true" if value else "false"
        return Refusal(
            "LLM023",
            f"'{text}' means {plain} to some YAML readers and text to others",
            f'write {plain}, or "{text}" in quotes if you mean the text',
            value,
        )
    if lower in _NULLS:
        return Refusal(
            "LLM024",
            f"'{text}' is an unusual spelling of null",
            f'write null, or "{text}" in quotes if you mean the text',
            None,
        )
    if text == "<<":
        return Refusal("LLM030", "'<<' is a merge key to some YAML readers and text to others", 'write "<<"', text)
    return text


def _number(text: str) -> Scalar | Refusal:
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _ODD_INTEGER.fullmatch(text):
        return _odd("LLM025", text, _plain_integer(text))
    if _ODD_FLOAT.fullmatch(text):
        return _odd("LLM026", text, _plain_float(text))
    if _DATE.fullmatch(text):
        return Refusal("LLM027", f"'{text}' is read as a date", f'put it in quotes: "{text}"', text)
    return text


def _integer(text: str) -> int | Refusal:
    # The length first: int() refuses more than 4300 digits, and converting thousands of digits is slow.
    if len(text) <= len(str(EXACT_LIMIT)) + 1 and abs(int(text)) < EXACT_LIMIT:
        return int(text)
    shown = text if len(text) <= 40 else f"{text[:20]}…"  # noqa: PLR2004 -- as much as reads well
    return Refusal(
        "LLM028",
        f"{shown} is too large to be kept exactly; whole numbers must stay below 2^53",
        "put it in quotes if it is an identifier",
        0,
    )


def _odd(id: str, text: str, plain: str | None) -> Refusal:  # noqa: A002 -- an id is what it is
    instead = f"write {plain}, or " if plain else "write plain digits, or "
    return Refusal(
        id,
        f"'{text}' is a number to some YAML readers and text to others",
        f'{instead}"{text}" in quotes if you mean the text',
        text,
    )


def _plain_integer(text: str) -> str | None:
    digits = text.replace("_", "").lower()
    if ":" in digits or not digits.strip("+-"):
        return None
    sign, digits = ("-" if digits.startswith("-") else ""), digits.lstrip("+-")
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if digits.startswith(prefix):
            return f"{sign}{int(digits[2:], base)}" if digits[2:] else None
    if digits.startswith("0") and len(digits) > 1:
        return None  # 010 is 8 to some and 10 to others: no guess.
    return f"{sign}{digits}"


def _plain_float(text: str) -> str | None:
    digits = text.replace("_", "").lower()
    if ":" in digits or "inf" in digits or "nan" in digits:
        return None
    value = float(digits)
    if value.is_integer() and abs(value) < EXACT_LIMIT:
        return str(int(value))
    plain = repr(value)
    return None if "e" in plain or "inf" in plain else plain
