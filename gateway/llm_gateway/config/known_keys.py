"""Keys that everybody knows: from the examples of OpenAI clients, vLLM, LiteLLM and the like."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

_WORDS = (
    "EMPTY", "NONE", "None", "none", "null", "na", "NA", "n/a", "x", "xxx", "test", "testing", "test-key", "api-key", "apikey",
    "api_key", "key", "secret", "password", "changeme", "change-me", "admin", "default", "dummy", "fake", "fake-key", "foo", "bar",
    "token", "local", "localhost", "demo", "example", "master", "root", "user", "guest", "public", "anything", "your-api-key",
    "your_api_key", "YOUR_API_KEY", "<your-api-key>", "not-needed", "no-key", "no-key-required", "sk-no-key-required", "sk-xxx",
    "sk-123", "sk-1234", "sk-12345", "sk-123456", "sk-test", "sk-dummy", "sk-fake", "sk-placeholder", "sk-none", "sk-empty",
    "sk-local", "sk-master", "sk-admin", "sk-anything", "sk-key", "sk-proj-xxx", "token-abc123", "ollama", "lm-studio", "vllm",
    "litellm", "openai", "llm", "llmgen", "llm-gateway", "hf_xxx", "123", "1234", "12345", "123456", "12345678", "123456789", "0000",
    "abc", "abc123", "qwerty", "letmein", "",
)  # fmt: skip


@cache
def known_digests() -> frozenset[bytes]:
    """SHA-256 of each."""
    return frozenset(sha256(word.encode()).digest() for word in _WORDS)
