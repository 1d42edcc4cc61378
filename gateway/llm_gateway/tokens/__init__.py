"""Prompt tokens before the GPU: the model's own chat template and tokenizer, or an estimate that says that it is one."""

from llm_gateway.tokens.counting import Counter, Counters, build
from llm_gateway.tokens.files import TokenizerError

__all__ = ["Counter", "Counters", "TokenizerError", "build"]
