"""YAML blocks of a page as merge patches over a starter: what a reader would have after following the page so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from tests.docs.markdown import ROOT, Block, Page

from llmgen import starter
from llmgen.merge import merge_patch

KINDS = {
    "spec": "a part of a spec, over what `llmgen init` writes",
    "values": "a part of values, over the chart's minimal values",
    "rollout": "a part of values that stands alone: tracks",
    "foreign": "the file of another tool",
}
FRESH = "fresh"  # forgets the blocks before it on the page


def fragments(page: Page, kind: str) -> Iterator[tuple[Block, dict[str, Any]]]:
    """Each block of the kind with the whole that it makes: the starter, the blocks before it on the page, and itself."""
    whole = _starter(kind)
    for block in page.blocks:
        if block.language == "yaml" and kind in block.tags:
            whole = merge_patch(_starter(kind) if FRESH in block.tags else whole, yaml.safe_load(block.text))
            yield block, whole


def _starter(kind: str) -> dict[str, Any]:
    minimal = ROOT / "charts/llm-serving/ci/minimal-values.yaml"
    text = starter.spec("assistant") if kind == "spec" else minimal.read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded
