"""Which parameters each endpoint takes, and what they may hold: those of vLLM 0.32 that are safe in a client's hand.

Left out on purpose, so treated as unsupported: what lets a client choose its own place in the engine's queue (`priority`,
`request_id`), run templates or processors (`chat_template`, `mm_processor_kwargs`, `media_io_kwargs`, `vllm_xargs`), reach into
the engine (`kv_transfer_params`, `ec_transfer_params`, `mm_payload`, `prompt_embeds`, `routed_experts_prompt_start`), or multiply
its cost unseen (`use_beam_search`, `best_of`). A model's `parameters` may let single ones through, unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm_gateway.types import Endpoint
from llm_gateway.validation import values
from llm_gateway.validation.values import Check


def _anything(param: str, value: object) -> None:
    """Checked elsewhere, where the whole request is known."""


_MOST_TOKENS = 100_000_000

SAMPLING: Mapping[str, Check] = {
    "model": values.text(256),
    "stream": values.boolean,
    "stream_options": values.mapping,
    "n": values.integer(1, 128),
    "stop": _anything,
    "seed": values.seed,
    "temperature": values.number(0, 2),
    "top_p": values.number(0, 1),
    "top_k": values.integer(-1, 1_000_000),
    "min_p": values.number(0, 1),
    "frequency_penalty": values.number(-2, 2),
    "presence_penalty": values.number(-2, 2),
    "repetition_penalty": values.number(0.01, 10),
    "length_penalty": values.number(-10, 10),
    "logit_bias": values.logit_bias,
    "max_tokens": values.integer(0, _MOST_TOKENS),
    "min_tokens": values.integer(0, _MOST_TOKENS),
    "ignore_eos": values.boolean,
    "skip_special_tokens": values.boolean,
    "spaces_between_special_tokens": values.boolean,
    "include_stop_str_in_output": values.boolean,
    "stop_token_ids": values.list_of(values.integer(0, 10_000_000), 128),
    "allowed_token_ids": values.list_of(values.integer(0, 10_000_000), 65_536),
    "bad_words": values.list_of(values.text(256), 128),
    "prompt_logprobs": values.integer(0, 100),
    "response_format": values.mapping,
    "structured_outputs": values.mapping,
    "return_token_ids": values.boolean,
    "return_tokens_as_token_ids": values.boolean,
    "thinking_token_budget": values.integer(0, _MOST_TOKENS),
    "cache_salt": values.text(256),
    "user": values.text(1024),
}

CHAT: Mapping[str, Check] = {
    **SAMPLING,
    "messages": _anything,
    "max_completion_tokens": values.integer(0, _MOST_TOKENS),
    "logprobs": values.boolean,
    "top_logprobs": values.integer(0, 100),
    "tools": _anything,
    "tool_choice": _anything,
    "parallel_tool_calls": values.boolean,
    "reasoning_effort": values.one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "include_reasoning": values.boolean,
    "add_generation_prompt": values.boolean,
    "continue_final_message": values.boolean,
    "chat_template_kwargs": values.mapping,
    "documents": values.list_of(values.mapping, 1000),
}

COMPLETIONS: Mapping[str, Check] = {
    **SAMPLING,
    "prompt": _anything,
    "echo": values.boolean,
    "suffix": values.text(1_000_000),
    "logprobs": values.integer(0, 100),
    "add_special_tokens": values.boolean,
}

EMBEDDINGS: Mapping[str, Check] = {
    "model": values.text(256),
    "input": _anything,
    "dimensions": values.integer(1, 65_536),
    "encoding_format": values.one_of("float", "base64"),
    "truncate_prompt_tokens": values.integer(-1, _MOST_TOKENS),
    "user": values.text(1024),
}

RERANK: Mapping[str, Check] = {
    "model": values.text(256),
    "query": values.text(10_000_000),
    "documents": values.list_of(values.text(10_000_000), 10_000),
    "top_n": values.integer(0, 10_000),
    "truncate_prompt_tokens": values.integer(-1, _MOST_TOKENS),
    "user": values.text(1024),
}

PARAMETERS: Mapping[Endpoint, Mapping[str, Check]] = {
    "chat": CHAT,
    "completions": COMPLETIONS,
    "embeddings": EMBEDDINGS,
    "rerank": RERANK,
}
PROMPT_FIELD: Mapping[Endpoint, str] = {
    "chat": "messages",
    "completions": "prompt",
    "embeddings": "input",
    "rerank": "documents",
}
"""The field to blame for a prompt that is too long."""
