"""What lies in a tokenizer's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class TokenizerError(ValueError):
    """A tokenizer's folder cannot be used; the text says why."""


Mark = tuple[tuple[str, int, int], ...]


def mark(folder: Path) -> Mark:
    """What changes when the files do: name, size and time of each."""
    names = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json")
    found = [(name, folder / name) for name in names if (folder / name).is_file()]
    return tuple((name, file.stat().st_size, file.stat().st_mtime_ns) for name, file in found)


def tokenizer_json(folder: Path) -> str:
    """Text of tokenizer.json. Raises TokenizerError."""
    try:
        return (folder / "tokenizer.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TokenizerError(f"{folder / 'tokenizer.json'}: {error}") from error


def chat_template(folder: Path) -> tuple[str | None, Mapping[str, str]]:
    """Source of the chat template, None where the model has none, and the special tokens by name. Raises TokenizerError."""
    config = {**_json(folder / "special_tokens_map.json"), **_json(folder / "tokenizer_config.json")}
    special = {name: token for name in _SPECIAL if (token := _token(config.get(name))) is not None}
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8"), special
    template = config.get("chat_template")
    if isinstance(template, list):  # several, by name
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    return (template if isinstance(template, str) else None), special


def _token(value: Any) -> str | None:  # noqa: ANN401 -- a text, or a map that holds it
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TokenizerError(f"{file}: {error}") from error
    return data if isinstance(data, dict) else {}
