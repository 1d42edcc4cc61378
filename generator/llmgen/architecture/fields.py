"""Reading a Hugging Face ``config.json`` whose authors never agreed on spellings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The language model of a multimodal checkpoint hides under one of these keys.
_NESTED = ("text_config", "llm_config", "language_config", "language_model_config")

# No count in a config is larger (token positions reach 10 million); a bound keeps a wrong config from unbounded work.
_LARGEST = 1 << 40

# Values a published config leaves out because they equal the default of its class in transformers.
_GEMMA3: Mapping[str, Any] = {
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "vocab_size": 262208,
    "max_position_embeddings": 131072,
    "rope_local_base_freq": 10000.0,
}
# Every multimodal Gemma 3 extends its global rotary base; facts without a text_config leave that out.
_LINEAR: Mapping[str, Any] = {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}
CLASS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "gemma3": {**_GEMMA3, **_LINEAR},
    "gemma3_text": _GEMMA3,
    "gemma2": {"head_dim": 256, "max_position_embeddings": 8192},
    "gemma": {"head_dim": 256, "max_position_embeddings": 8192},
    "phi": {"partial_rotary_factor": 0.5},
}


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A config seen as one flat mapping: the language model first, the outer file behind it."""

    text: Mapping[str, Any]
    outer: Mapping[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Fields:
        """Find the language model inside ``config`` (at most two levels down, as in Qwen Omni's ``thinker_config``)."""
        outer = config
        inner = _mapping(config.get("thinker_config")) or config
        for key in _NESTED:
            nested = _mapping(inner.get(key))
            if nested is not None:
                return cls(text=nested, outer=inner if inner is not config else outer)
        return cls(text=inner, outer=outer)

    def raw(self, *names: str) -> Any:  # noqa: ANN401 - JSON is untyped
        """The first of ``names`` that is present and not null: language model, outer file, defaults of its class."""
        for source in (self.text, self.outer, CLASS_DEFAULTS.get(self.model_type, {})):
            for name in names:
                value = source.get(name)
                if value is not None:
                    return value
        return None

    def integer(self, *names: str, default: int = 0) -> int:
        """A count; ``default`` when it is absent, of another type, negative or beyond any model."""
        value = self.raw(*names)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
            return default
        return int(value)

    def flag(self, *names: str, default: bool = False) -> bool:
        """A boolean, ``default`` when absent."""
        value = self.raw(*names)
        return value if isinstance(value, bool) else default

    def text_value(self, *names: str) -> str:
        """A string, empty when absent."""
        value = self.raw(*names)
        return value if isinstance(value, str) else ""

    def strings(self, *names: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        value = self.raw(*names)
        if isinstance(value, str) or not isinstance(value, Sequence):
            return ()
        return tuple(str(item) for item in value)

    def integers(self, *names: str) -> tuple[int, ...] | None:
        """A list of integers, None when absent or not a list of integers."""
        value = self.raw(*names)
        if isinstance(value, str) or not isinstance(value, Sequence):
            return None
        if not all(isinstance(item, int) and 0 <= item <= _LARGEST for item in value):
            return None
        return tuple(int(item) for item in value)

    def mapping(self, *names: str) -> Mapping[str, Any]:
        """A mapping, empty when absent."""
        return _mapping(self.raw(*names)) or {}

    @property
    def model_type(self) -> str:
        """``model_type`` of the language model, lower case."""
        own = self.text.get("model_type") or self.outer.get("model_type") or ""
        return str(own).lower()

    @property
    def architectures(self) -> tuple[str, ...]:
        """Class names, from the outer file first: that is the class the engine loads."""
        for source in (self.outer, self.text):
            value = source.get("architectures")
            if isinstance(value, Sequence) and not isinstance(value, str):
                return tuple(str(item) for item in value)
        return ()
