"""One engine: its options, its state, and who is let in."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

from fake_engine import answers, errors, text
from fake_engine.faults import Faults
from fake_engine.faults import parse as parse_faults
from fake_engine.kv import KvCache
from fake_engine.metrics import Registry
from fake_engine.records import Records
from fake_engine.scheduler import Scheduler, Sequence

if TYPE_CHECKING:
    from fake_engine.settings import Settings

DEFAULTS = {  # of `vllm serve` 0.32 on a GPU below 70 GiB, where the flag has no fixed default
    "max-model-len": 8192, "max-num-seqs": 256, "max-num-batched-tokens": 2048, "shutdown-timeout": 0,
    "gpu-memory-utilization": 0.92, "block-size": 16, "port": 8000, "runner": "auto",
}  # fmt: skip


class StartupError(Exception):
    """The engine ends with this message and exit code 1."""


class Engine:
    """What the handlers work on. Raises StartupError for options that the real engine refuses after parsing."""

    def __init__(self, options: dict[str, Any], settings: Settings) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        self.options: dict[str, Any] = DEFAULTS | given
        self.settings = settings
        self.model: str = self.options.get("model", "Qwen/Qwen3-0.6B")
        self.names: list[str] = self.options.get("served-model-name", [self.model])
        self.max_model_len: int = self.options["max-model-len"]
        self.pooling: bool = self.options["runner"] == "pooling"
        self.api_keys: list[str] = self.options.get("api-key", [key for key in [os.environ.get("VLLM_API_KEY")] if key])
        if self.max_model_len > settings.kv_tokens:
            raise StartupError(
                f"ValueError: To serve at least one request with the models's max seq len ({self.max_model_len}), more "
                f"KV cache is needed than is available. The estimated maximum model length is {settings.kv_tokens}. Try "
                "increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine."
            )
        self.faults = Faults()
        self.faults.update({"seed": settings.seed} | parse_faults(settings.faults))
        self.kv = KvCache(
            tokens=settings.kv_tokens,
            block_tokens=self.options["block-size"],
            prefix_caching=self.options.get("enable-prefix-caching", True),
        )
        self.records = Records(self._registry())
        self.scheduler = Scheduler(
            settings=settings,
            faults=self.faults,
            kv=self.kv,
            records=self.records,
            max_seqs=min(self.options["max-num-seqs"], self.options.get("max-num-active-seqs", 1 << 30)),
            max_batched=self.options["max-num-batched-tokens"],
        )
        self._numbers = itertools.count(1)

    def _registry(self) -> Registry:
        registry = Registry(
            model=self.names[0],
            created=os.environ.get("PROMETHEUS_DISABLE_CREATED_SERIES", "").lower() not in {"1", "true", "t"},
            buckets=self.options.get("custom-histogram-buckets", {}),
            max_model_len=self.max_model_len,
        )
        block, tokens = self.options["block-size"], self.settings.kv_tokens
        facts = {
            "block_size": block,
            "effective_attention_block_size": block,
            "enable_prefix_caching": self.options.get("enable-prefix-caching", True),
            "gpu_memory_utilization": self.options["gpu-memory-utilization"],
            "kv_cache_max_concurrency": tokens / self.max_model_len,
            "kv_cache_size_tokens": tokens,
            "num_gpu_blocks": tokens // block,
        }
        registry.relabel("vllm:cache_config_info", {name: str(value) for name, value in facts.items()})
        return registry

    def next_number(self) -> int:
        """Count requests, for faults and answers that repeat from run to run."""
        return next(self._numbers)

    def admit(self) -> None:
        """Let a request in. Raises ApiError: dead, draining, or over a queue limit."""
        if self.faults.dead:
            raise errors.internal(errors.ENGINE_DEAD)
        self.refuse_while_draining()
        most = self.options.get("max-num-queued-reqs")
        if most is not None and self.scheduler.unfinished + 1 > most:
            self.records.rejected("max_num_queued_reqs")
            raise errors.shed(errors.BUSY)
        backlog = self.options.get("max-num-queued-tokens")
        if backlog is not None and self.scheduler.queued_tokens >= backlog:
            self.records.rejected("max_num_queued_tokens")
            raise errors.shed(errors.BACKLOG)

    def refuse_while_draining(self) -> None:
        """After SIGTERM the real engine's thread pool is closed, so whatever needs the tokenizer fails. Raises ApiError."""
        if self.scheduler.stopping:
            raise errors.internal(errors.AFTER_SHUTDOWN)

    def check_model(self, body: dict[str, Any]) -> str:
        """The name to answer under: always the first served one. Raises ApiError."""
        asked = body.get("model")
        if asked and asked not in self.names:
            raise errors.not_served(asked, self.names)
        return self.names[0]

    def sequence(self, body: dict[str, Any], prompt: list[str], number: int) -> tuple[Sequence, answers.Answer]:
        """Size and answer a request. Raises ApiError for one that does not fit the context."""
        asked = body.get("max_completion_tokens", body.get("max_tokens"))
        if asked is not None and asked > self.max_model_len:
            raise errors.bad_request(
                f"max_tokens={asked} cannot be greater than max_model_len={self.max_model_len}. "
                "Please request fewer output tokens.",
                "max_tokens",
                asked,
            )
        if asked is not None and asked < 1:
            raise errors.bad_request(f"max_tokens must be at least 1, got {asked}.", "max_tokens", asked)
        if len(prompt) >= self.max_model_len:
            raise errors.bad_request(
                f"This model's maximum context length is {self.max_model_len} tokens. However, your prompt contains "
                f"{len(prompt)} input tokens, which exceeds this limit even without any output tokens. "
                "Please reduce the length of the input prompt.",
                "input_tokens",
                len(prompt),
            )
        room = self.max_model_len - len(prompt)
        limit = room if asked is None else max(1, min(room, asked))
        answer = answers.compose(
            body,
            number=number,
            faults=self.faults,
            mean=self.settings.mean_completion_tokens,
            limit=limit,
            auto_tools=bool(self.options.get("enable-auto-tool-choice") and self.options.get("tool-call-parser")),
        )
        ids = [text.token_id(piece) for piece in prompt]
        sequence = Sequence(prompt=ids, answer=answer.pieces, finish=answer.finish, asked_max_tokens=asked)
        return sequence, answer
