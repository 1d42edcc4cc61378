"""The registry of problem ids: what each means and how to repair it.

One family per hundred, each in a module of its own: ``LLM0xx`` the text of a file, ``LLM1xx`` its shape. An id is never
reused for another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from llmgen.problems.guess import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAMILIES = ("ids_source", "ids_contract", "ids_rules", "ids_policy", "ids_plan", "ids_values", "ids_rollout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of problem: ``title`` is a phrase, ``explanation`` and ``fix`` are whole sentences."""

    id: str
    name: str
    title: str
    explanation: str
    fix: str


def kind(id: str) -> Kind:  # noqa: A002 -- an id is what it is
    """Return the kind with ``id`` or with that name; raises KeyError that names the nearest id or name."""
    known = kinds()
    wanted = id.strip()
    if wanted.upper() in known:
        return known[wanted.upper()]
    names = {about.name: about for about in known.values()}
    if wanted.lower() in names:
        return names[wanted.lower()]
    guess = did_you_mean(wanted, [*known, *names])
    raise KeyError(f"no problem is called {id!r}" + (f"; did you mean {guess!r}?" if guess else ""))


@cache
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by id, in the order of their ids; raises ValueError if an id or a name is used twice."""
    known: dict[str, Kind] = {}
    names: set[str] = set()
    for family in _FAMILIES:
        for about in import_module(f"llmgen.problems.{family}").KINDS:
            if about.id in known or about.name in names:
                message = f"{about.id} ({about.name}) is registered twice"
                raise ValueError(message)
            known[about.id] = about
            names.add(about.name)
    return MappingProxyType(dict(sorted(known.items())))
