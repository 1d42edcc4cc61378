"""Diagnostics stay out of the way: generous bounds that only a change of complexity breaks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from llmgen.contract import check
from llmgen.emit import emit
from llmgen.source import read_text

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = """\
  m{number}:
    source: {{kind: hub, repository: org/name{number}}}
    class: batch
    aliases: [a, b, c]
    limits:
      prompt: 1
      completion: 2
      queue: 3
      concurrency: 4
"""
LIMITS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "models": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "source": {"oneOf": [{"properties": {"kind": {"const": kind}}} for kind in ("hub", "pvc")]},
                    "class": {"enum": ["interactive", "batch"]},
                    "aliases": {"type": "array", "uniqueItems": True},
                    "limits": LIMITS,
                },
            },
        },
    },
}


def models(count: int) -> str:
    return "models:\n" + "".join(MODEL.format(number=number) for number in range(count))


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_ten_thousand_lines_are_read_checked_and_written_in_a_second_each() -> None:
    text = models(1200)
    assert text.count("\n") > 10_000
    document = read_text(text, "f").document
    assert document is not None
    assert seconds(lambda: read_text(text, "f")) < 1
    assert seconds(lambda: check(document, SCHEMA)) < 1
    comments = {("models", f"m{number}", "limits", "queue"): "because" for number in range(1200)}
    assert seconds(lambda: emit(document.data, comments=comments)) < 1


def test_a_thousand_mistakes_are_found_in_seconds() -> None:
    text = models(1000).replace("queue: 3", "queue: x").replace("class: batch", "clas: batch")
    document = read_text(text, "f").document
    assert document is not None
    problems: list[object] = []
    assert seconds(lambda: problems.extend(check(document, SCHEMA))) < 3
    assert len(problems) == 2000


def test_broken_text_is_given_up_in_time() -> None:
    text = models(3000).replace("class: batch", "class: [batch")
    assert seconds(lambda: read_text(text, "f")) < 5
