"""Prompt tokens of a request, as the engine will count them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from llm_gateway.tokens.encoding import Encode, load
from llm_gateway.tokens.estimate import estimate
from llm_gateway.tokens.files import Mark, TokenizerError, chat_template, mark, tokenizer_json
from llm_gateway.tokens.template import ChatTemplate, TemplateRefusalError
from llm_gateway.types import Refusal, Request, TokenCount
from llm_gateway.validation.parameters import PROMPT_FIELD

if TYPE_CHECKING:
    from llm_gateway.config.snapshot import Model, Snapshot, Tokenizer

ON_LOOP = 65_536
"""Characters that are counted on the event loop: at 13 million tokens a second that is below 2 ms; more goes to a thread."""
_THREADS = 2
_PAIR_TOKENS = 3
"""Special tokens around a query and a document."""


class Counter:
    """Counts for one tokenizer folder. Raises TokenizerError where it cannot be used."""

    def __init__(self, settings: Tokenizer) -> None:
        self.mark: Mark = mark(settings.path)
        self.media_tokens = settings.media_tokens
        self.encode: Encode
        self.encode, self.library, self.why = load(tokenizer_json(settings.path))
        source, special = chat_template(settings.path)
        try:
            self.template = ChatTemplate(source, special) if source is not None else None
        except TemplateError as error:
            raise TokenizerError(f"{settings.path}: chat template: {error}") from error

    def count(self, request: Request) -> TokenCount:
        """Tokens of the request. Raises TemplateRefusalError."""
        body = request.body
        if request.endpoint == "chat":
            if self.template is None:
                return estimate(request)
            tokens = self.encode(self.template.render(body), False) + self.media_tokens * request.media_parts
            return TokenCount(tokens, "estimate" if request.media_parts else "exact", tokens)
        if request.endpoint == "rerank":
            query = self.encode(body["query"], False)
            sizes = [query + self.encode(document, False) + _PAIR_TOKENS for document in body["documents"]]
            return TokenCount(sum(sizes), "estimate", max(sizes, default=0))
        special = body.get("add_special_tokens", True)
        inputs = body[PROMPT_FIELD[request.endpoint]]
        if isinstance(inputs, str) or isinstance(inputs[0], int):
            inputs = [inputs]
        sizes = [len(item) if isinstance(item, list) else self.encode(item, special) for item in inputs]
        return TokenCount(sum(sizes), "exact", max(sizes))


class Counters:
    """A counter for each model that has a tokenizer. Models that share a folder share it."""

    def __init__(self, by_model: dict[str, Counter | None]) -> None:
        self.by_model = by_model
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="tokens")

    async def count(self, model: str, request: Request) -> TokenCount | Refusal:
        """Prompt tokens of the request for the model, or a 400 where its chat template refuses the messages."""
        counter = self.by_model.get(model)
        if counter is None:
            return estimate(request)
        try:
            if request.text_bytes <= ON_LOOP:
                return counter.count(request)
            return await asyncio.get_running_loop().run_in_executor(self._pool, counter.count, request)
        except TemplateRefusalError as refusal:
            return Refusal(
                status=400, code="chat_template_error", message=f"The model does not take these messages: {str(refusal)[:200]}",
                param="messages", outcome="validation",
            )  # fmt: skip

    def alike(self, one: str | None, other: str) -> bool:
        """Whether two models count alike, so that a count for one holds for the other."""
        return one is not None and self.by_model.get(one) is self.by_model.get(other)

    def notes(self) -> list[str]:
        """What operators should know: which models are counted by what, and why not by the fast way."""
        found = []
        for model, counter in self.by_model.items():
            if counter is None:
                found.append(f"{model}: no tokenizer, prompt tokens are estimates")
                continue
            if counter.why is not None:
                found.append(f"{model}: counted with {counter.library}: {counter.why}")
            if counter.template is None:
                found.append(f"{model}: no chat template, chat prompt tokens are estimates")
        return found

    def close(self) -> None:
        """Let the threads go; counts under way end."""
        self._pool.shutdown(wait=False)


def same(counter: Counter, settings: Tokenizer) -> bool:
    """Whether a counter still stands for its folder."""
    return counter.mark == mark(settings.path) and counter.media_tokens == settings.media_tokens


def build(snapshot: Snapshot, previous: tuple[Snapshot, Counters] | None = None) -> Counters:
    """Load every tokenizer; those of ``previous`` whose files did not change are taken over. Slow: call it in a thread.

    Raises TokenizerError where a configured folder cannot be used.
    """
    made: dict[tuple[str, int], Counter] = {}
    for name, model in (previous[0].models if previous else {}).items():
        counter = previous[1].by_model.get(name) if previous else None
        if counter is not None and model.tokenizer is not None and same(counter, model.tokenizer):
            made[_key(model.tokenizer)] = counter
    return Counters({name: _counter(model, made) for name, model in snapshot.models.items()})


def _counter(model: Model, made: dict[tuple[str, int], Counter]) -> Counter | None:
    if model.tokenizer is None:
        return None
    key = _key(model.tokenizer)
    if key not in made:
        made[key] = Counter(model.tokenizer)
    return made[key]


def _key(settings: Tokenizer) -> tuple[str, int]:
    return str(settings.path), settings.media_tokens
