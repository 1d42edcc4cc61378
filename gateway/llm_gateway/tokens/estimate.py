"""How many tokens a request probably has, where there is no tokenizer to ask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from llm_gateway.types import Request, TokenCount
from llm_gateway.validation.parameters import PROMPT_FIELD

BYTES_PER_TOKEN = 3.5
"""UTF-8 bytes per token: English in current vocabularies has 4 to 4.5, code 3 to 3.5; Chinese and Japanese have about 3."""
PER_MESSAGE = 4
"""Tokens that a chat template puts around a message."""
MEDIA_TOKENS = 1024


def estimate(request: Request) -> TokenCount:
    """Estimated prompt tokens of a request."""
    body = request.body
    if request.endpoint == "chat":
        texts = sum(_bytes(message) for message in body["messages"]) + _bytes(body.get("tools"))
        tokens = _tokens(texts) + PER_MESSAGE * len(body["messages"]) + MEDIA_TOKENS * request.media_parts
        return TokenCount(tokens, "estimate", tokens)
    if request.endpoint == "rerank":
        query = _tokens(_bytes(body["query"]))
        sizes = [query + _tokens(_bytes(document)) for document in body["documents"]]
    else:
        inputs = body[PROMPT_FIELD[request.endpoint]]
        several = isinstance(inputs, list) and not isinstance(inputs[0], int)
        sizes = [
            len(item) if isinstance(item, list) else _tokens(_bytes(item)) for item in (inputs if several else [inputs])
        ]
    source = "exact" if request.endpoint != "rerank" and _all_ids(body[PROMPT_FIELD[request.endpoint]]) else "estimate"
    return TokenCount(sum(sizes), source, max(sizes, default=0))  # type: ignore[arg-type]  # mypy widens the two words


def _all_ids(inputs: Any) -> bool:  # noqa: ANN401 -- parsed JSON
    return isinstance(inputs, list) and all(isinstance(item, int | list) for item in inputs)


def _tokens(size: int) -> int:
    return math.ceil(size / BYTES_PER_TOKEN)


def _bytes(value: Any) -> int:  # noqa: ANN401 -- parsed JSON
    return sum(len(text.encode()) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 -- parsed JSON
    """Every text in it but for media data; without recursion, since a client chose the depth."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(
                inner
                for key, inner in item.items()
                if key not in ("image_url", "video_url", "audio_url", "input_audio", "file")
            )
