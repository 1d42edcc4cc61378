"""How a check says no."""

from __future__ import annotations

from llm_gateway.types import Refusal


class Invalid(Exception):  # noqa: N818 -- the request is wrong, not the program
    """The request is wrong. param: path of the field, such as ``messages[0].role``; message: never quotes content."""

    def __init__(self, message: str, *, param: str | None = None, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code

    def refusal(self) -> Refusal:
        """The 400 that the client gets."""
        return Refusal(status=400, code=self.code, message=self.message, param=self.param, outcome="validation")


def wrong_type(param: str, expected: str) -> Invalid:
    """``param`` is of another type than ``expected``, in words."""
    return Invalid(f"{param}: expected {expected}", param=param, code="invalid_type")


def too_deep() -> Invalid:
    """Nested deeper than can be written again: orjson reads 1024 levels and writes 254."""
    return Invalid("the body is nested too deeply", code="invalid_json")
