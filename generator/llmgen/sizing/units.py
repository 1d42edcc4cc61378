"""Units and the one record every number travels in."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Term:
    """A number, its unit, and one line that says where it comes from."""

    value: float
    unit: str
    because: str

    def __float__(self) -> float:
        """The number alone."""
        return self.value


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple of ``multiple`` that is not below ``value``."""
    return -(-value // multiple) * multiple


def ceil_div(value: int, divisor: int) -> int:
    """Integer division rounded up."""
    return -(-value // divisor)
