"""The command line of ``vllm serve``: what the real one refuses at startup is refused here with the same exit code."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any

from fake_engine import surface

UNITS = {"k": 1000, "m": 10**6, "g": 10**9, "K": 1024, "M": 1024**2, "G": 1024**3}


class BadArgumentsError(Exception):
    """The engine does not start: argparse's message, without its ``vllm serve: error:``."""


def parse(arguments: list[str]) -> dict[str, Any]:
    """Read the arguments after ``serve``: flag name -> value, and ``model``. Raises BadArgumentsError."""
    known = surface.flags()
    spelled = {name: name for name in known}
    for name, fact in known.items():
        spelled |= {alias.lstrip("-"): name for alias in fact.get("aliases", [])}
    found: dict[str, Any] = {}
    unknown: list[str] = []
    left = deque(arguments)
    while left:
        argument = left.popleft()
        if not argument.startswith("-"):
            if "model" in found:
                unknown.append(argument)
            found.setdefault("model", argument)
            continue
        written, joined, text = argument.partition("=")
        bare = written.lstrip("-").replace("_", "-")
        negated = bare.removeprefix("no-")
        if bare in spelled:
            name = spelled[bare]
            found[name] = _value(name, known[name], text if joined else None, left)
        elif bare != negated and known.get(negated, {}).get("negatable"):
            found[negated] = False
        else:
            unknown.append(argument)
    if unknown:
        raise BadArgumentsError(f"unrecognized arguments: {' '.join(unknown)}")
    return found


def _value(name: str, fact: dict[str, Any], text: str | None, left: deque[str]) -> Any:
    """Take the value of one flag, from ``--flag=text`` or from the arguments that follow."""
    kind = fact["type"]
    if kind == "bool":
        if text is not None:
            raise BadArgumentsError(f"argument --{name}: ignored explicit argument {text!r}")
        return True
    if kind == "list":
        texts = [] if text is None else [text]
        while text is None and left and not left[0].startswith("-"):
            texts.append(left.popleft())
        if not texts:
            raise BadArgumentsError(f"argument --{name}: expected at least one argument")
        return texts
    if text is None:
        if not left or left[0].startswith("--"):
            raise BadArgumentsError(f"argument --{name}: expected one argument")
        text = left.popleft()
    return _converted(name, kind, fact.get("choices", []), text)


def _converted(name: str, kind: str, choices: list[Any], text: str) -> Any:
    if kind == "choice":
        value = next((choice for choice in choices if str(choice) == text), None)
        if value is None:
            allowed = ", ".join(map(repr, choices))
            raise BadArgumentsError(f"argument --{name}: invalid choice: {text!r} (choose from {allowed})")
        return value
    try:
        if kind == "int":
            return _integer(text)
        if kind == "float":
            return float(text)
        if kind == "json":
            return json.loads(text)
    except ValueError as error:
        raise BadArgumentsError(f"argument --{name}: invalid {kind} value: {text!r}") from error
    return text


def _integer(text: str) -> int | None:
    """Digits, with vLLM's units (8k = 8000, 8K = 8192); ``auto`` is no number yet."""
    if text == "auto":
        return None
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)([kmgKMG]?)", text)
    if match is None:
        raise ValueError(text)
    return int(float(match[1]) * UNITS.get(match[2], 1)) if match[2] else int(match[1])
