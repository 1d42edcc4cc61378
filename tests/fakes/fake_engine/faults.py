"""What can go wrong, by name: switched at start (``FAKE_FAULTS``) or while running (the control port)."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Faults:
    """Switches are bool; rates are 0 to 1 of the requests that come; ``slow`` multiplies every step's time.

    Whether the n-th request is hit depends on seed, fault and n alone, so turning one fault on moves no other.
    """

    refuse: bool = False  # the served port is closed: connection refused
    hang: bool = False  # accepts, never answers; requests run and nothing progresses; /health stays 200
    dead: bool = False  # the engine core is gone: /health 503, every request 500
    oom: bool = False  # the next request ends the process as CUDA out of memory does
    slow: float = 1.0
    garbage: float = 0.0  # bytes that are no HTTP, then the connection is cut
    die_mid_stream: float = 0.0  # the connection is cut after half of the answer
    error: float = 0.0  # HTTP 500
    refusal: float = 0.0  # the model declines, politely, as HTTP 200
    broken_json: float = 0.0  # where JSON was asked for
    broken_tool_call: float = 0.0  # where a tool is called: arguments that are no JSON
    truncation: float = 0.0  # half of the answer, finish_reason length
    seed: int = dataclasses.field(default=0, repr=False)

    def update(self, changes: dict[str, object]) -> None:
        """Set faults by name, values as text or JSON. Raises ValueError for a wrong name or value; then none is set."""
        names = {field.name: type(field.default) for field in dataclasses.fields(self)}
        unknown = changes.keys() - names.keys()
        if unknown:
            raise ValueError(f"unknown fault {', '.join(sorted(unknown))}; known: {', '.join(names)}")
        ready = {name: _convert(names[name], value) for name, value in changes.items()}
        for name, value in ready.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Everything works again; the seed stays."""
        seed = self.seed
        for field in dataclasses.fields(self):
            setattr(self, field.name, field.default)
        self.seed = seed

    def hits(self, name: str, request: int) -> bool:
        """Whether the fault ``name`` strikes the request with this number."""
        rate = getattr(self, name)
        return rate > 0 and random.Random(f"{self.seed}:{name}:{request}").random() < rate  # noqa: S311 -- repeatable


def parse(text: str) -> dict[str, object]:
    """``hang=1,refusal=0.02`` as names and texts; a bare name switches on."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() if equals else "1" for name, equals, value in pairs}


def _convert(kind: type, value: object) -> object:
    text = str(value).lower()
    if kind is bool:
        if text not in {"0", "1", "false", "true"}:
            raise ValueError(f"{value!r} is neither true nor false")
        return text in {"1", "true"}
    return kind(text)
