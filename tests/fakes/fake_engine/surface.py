"""What vLLM 0.32 accepts and exposes, as data beside this package: written by ``stage.py``, never by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

VERSION = "0.32.0"
DIRECTORY = Path(os.environ.get("FAKE_SURFACE", Path(__file__).parents[1] / "surface"))


def flags() -> dict[str, dict[str, Any]]:
    """Flags of ``vllm serve`` by name without dashes: {type, choices?, negatable?, aliases?}."""
    return json.loads((DIRECTORY / "flags.json").read_text(encoding="utf-8"))


def metrics() -> str:
    """The exposition captured from a running server."""
    return (DIRECTORY / "metrics.txt").read_text(encoding="utf-8")
