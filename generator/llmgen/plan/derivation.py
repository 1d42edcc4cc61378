"""A number and where it comes from: the unit of every plan, of values comments and of `llmgen explain`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmgen.problems import Path, dotted

if TYPE_CHECKING:
    from llmgen.sizing import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One input of a derivation.

    ``kind`` spec: a path in the spec, written or defaulted. catalog: a fact, ``name`` says which. plan: another generated value.
    term: an intermediate result, with its own reason.
    """

    kind: Literal["spec", "catalog", "plan", "term"]
    name: str
    path: Path = ()
    value: Any = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A value, the one-line reason for it, and its inputs."""

    value: Any
    because: str
    origins: tuple[Origin, ...] = ()


def from_spec(*path: str | int) -> Origin:
    """Name a spec path as an input."""
    return Origin(kind="spec", name=dotted(path), path=path)


def from_catalog(name: str, value: object = None) -> Origin:
    """Name a catalogue fact as an input."""
    return Origin(kind="catalog", name=name, value=value)


def from_term(name: str, term: Term) -> Origin:
    """Name an intermediate result of sizing as an input."""
    return Origin(kind="term", name=name, value=f"{term.value:.6g} {term.unit}", because=term.because)


def from_plan(*path: str | int) -> Origin:
    """Name another generated value as an input."""
    return Origin(kind="plan", name=dotted(path), path=path)
