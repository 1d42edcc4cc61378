"""How this fake behaves, from ``FAKE_*`` variables or options before ``serve``; the real engine knows none of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every field is ``FAKE_<NAME>`` and ``--<name>``; seconds, milliseconds, tokens as the name says.

    The latency constants are those of a mid-size model on one data-centre GPU, assumed rather than fitted.
    """

    load_seconds: float = 2.0
    itl_base_ms: float = 12.0  # one decode step of an empty batch
    itl_per_sequence_ms: float = 0.35  # what each further sequence adds to the step
    prefill_tokens_per_second: float = 9000.0
    kv_tokens: int = 110_000
    mean_completion_tokens: int = 64  # of an answer that nothing cuts; the length varies from half to one and a half
    # After the last request and before exit: the real one takes about 2 s after an abort, 16 s after a drain.
    teardown_seconds: float = 0.5
    # Startup faults. A load that runs out of memory prints PyTorch's message and exits 1.
    oom_at_load: bool = False
    faults: str = ""  # name=value,name=value: see faults.py
    seed: int = 0
    control_host: str = "127.0.0.1"
    control_port: int = 9911  # 0: none

    @classmethod
    def read(cls, environment: Mapping[str, str], options: Mapping[str, str]) -> Self:
        """Options win over the environment. Raises ValueError for a value that does not fit, KeyError for an option."""
        given = {name.removeprefix("FAKE_").lower(): text for name, text in environment.items()}
        types = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        unknown = options.keys() - types.keys()
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        texts = {name: options.get(name, given.get(name)) for name in types}
        return cls(**{name: _convert(types[name], text) for name, text in texts.items() if text is not None})


def _convert(kind: type, text: str) -> object:
    if kind is bool:
        return text.lower() in {"1", "true", "yes"}
    return kind(text)
