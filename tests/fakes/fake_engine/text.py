"""Tokens, answers and values that match a JSON Schema: plausible shapes, repeatable, no meaning."""

from __future__ import annotations

import itertools
import json
import random
import re
import zlib
from typing import Any

VOCABULARY = 32_000
TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]|\s")
WORDS = (  # noqa: SIM905 -- prose reads better than ninety quotes
    "the a model serves many users at once and each answer arrives token by token while a queue waits for room in "
    "the cache so that latency grows with load until the engine sheds what it cannot hold and says so plainly"
).split()
REFUSAL = "I'm sorry, but I can't help with that request."


def tokens(text: str) -> list[str]:
    """Split text into pieces of up to six letters; joining them gives the text back."""
    return TOKEN.findall(text)


def token_id(token: str) -> int:
    """A stable number for a piece."""
    return zlib.crc32(token.encode()) % VOCABULARY


def prose(rng: random.Random, length: int) -> list[str]:
    """So many tokens of words that say nothing."""
    text = (f" {rng.choice(WORDS)}" for _ in itertools.count())
    pieces = itertools.chain.from_iterable(tokens(word) for word in text)
    return list(itertools.islice(pieces, length))


def instance(schema: dict[str, Any], rng: random.Random) -> Any:
    """A value that fits a JSON Schema of the everyday kind: const, enum, anyOf, objects, arrays, scalars."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return instance(schema[choice][0], rng)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance(inner, rng) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {"type": "string"}), rng) for _ in range(schema.get("minItems", 1))]
    scalars = {
        "string": rng.choice(WORDS).ljust(schema.get("minLength", 0), "x"),
        "integer": int(schema.get("minimum", rng.randrange(100))),
        "number": float(schema.get("minimum", rng.randrange(100))),
        "boolean": rng.random() < 0.5,
        "null": None,
    }
    return scalars[kind]


def broken(document: str) -> str:
    """JSON cut where a parser must complain."""
    return document[: max(1, len(document) - 1)] + ","


def document(schema: dict[str, Any] | None, rng: random.Random, *, spoil: bool) -> str:
    """JSON text for a schema, or for none; spoilt on demand."""
    value = {"answer": rng.choice(WORDS)} if schema is None else instance(schema, rng)
    text = json.dumps(value)
    return broken(text) if spoil else text
