"""Checks of single values. Each takes the field's path and its value, and raises Invalid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llm_gateway.validation.problems import Invalid, wrong_type

Check = Callable[[str, Any], None]
_INT64 = 2**63


def number(low: float, high: float) -> Check:
    """A number within bounds, inclusive."""

    def check(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
        kind = type(value)
        if kind is not float and kind is not int:
            raise wrong_type(param, "a number")
        if not low <= value <= high:
            raise Invalid(f"{param}: must be from {low:g} to {high:g}", param=param, code="out_of_range")

    return check


def integer(low: int, high: int) -> Check:
    """A whole number within bounds, inclusive; true and 1.0 are none."""

    def check(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
        if type(value) is not int:
            raise wrong_type(param, "a whole number")
        if not low <= value <= high:
            raise Invalid(f"{param}: must be from {low} to {high}", param=param, code="out_of_range")

    return check


def boolean(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
    """True or false."""
    if value is not True and value is not False:
        raise wrong_type(param, "true or false")


def text(longest: int) -> Check:
    """A text of at most so many characters."""

    def check(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
        if type(value) is not str:
            raise wrong_type(param, "a text")
        if len(value) > longest:
            raise Invalid(f"{param}: longer than {longest} characters", param=param, code="too_long")

    return check


def one_of(*words: str) -> Check:
    """One of some words."""

    def check(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
        if type(value) is not str or value not in words:
            raise Invalid(f"{param}: must be one of {', '.join(words)}", param=param)

    return check


def list_of(item: Check, most: int) -> Check:
    """A list of at most so many items, each checked."""

    def check(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
        if type(value) is not list:
            raise wrong_type(param, "a list")
        if len(value) > most:
            raise Invalid(f"{param}: more than {most} items", param=param, code="too_long")
        for index, entry in enumerate(value):
            item(f"{param}[{index}]", entry)

    return check


def mapping(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
    """A map."""
    if type(value) is not dict:
        raise wrong_type(param, "a map")


def logit_bias(param: str, value: Any) -> None:  # noqa: ANN401 -- parsed JSON
    """Token ids, as text, to a bias from -100 to 100; OpenAI's bounds."""
    mapping(param, value)
    if len(value) > 1024:  # noqa: PLR2004 -- ample; each costs the engine work per token
        raise Invalid(f"{param}: more than 1024 tokens", param=param, code="too_long")
    within = number(-100, 100)
    for token, bias in value.items():
        if not (token.isascii() and token.isdigit()):
            raise Invalid(f"{param}: keys are token ids", param=param)
        within(param, bias)


seed = integer(-_INT64, _INT64 - 1)
