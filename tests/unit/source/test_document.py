"""Positions: each key and value, and what stands for what is not there."""

from __future__ import annotations

import pytest

from llmgen.problems import Span
from llmgen.source import Document, read_text

TEXT = """\
models:
  chat:
    class: interactive
    tags: [a, "b c"]
    shapes:
      - gpus: 2
      - text
    empty: {}
  small: &small
    class: batch
copy: *small
notes: |
  two
  lines
"""


@pytest.fixture
def document() -> Document:
    found = read_text(TEXT, "f").document
    assert found is not None
    return found


def at(span: Span) -> tuple[int, str]:
    return span.line, span.text[span.col - 1 : span.end_col - 1]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("models",), (1, "models"), (1, "models")),
        (("models", "chat", "class"), (3, "class"), (3, "interactive")),
        (("models", "chat", "tags"), (4, "tags"), (4, '[a, "b c"]')),
        (("models", "chat", "tags", 1), (4, '"b c"'), (4, '"b c"')),
        (("models", "chat", "shapes"), (5, "shapes"), (5, "shapes")),
        (("models", "chat", "shapes", 0), (6, "gpus: 2"), (6, "gpus: 2")),
        (("models", "chat", "shapes", 0, "gpus"), (6, "gpus"), (6, "2")),
        (("models", "chat", "shapes", 1), (7, "text"), (7, "text")),
        (("models", "chat", "empty"), (8, "empty"), (8, "{}")),
        (("copy",), (11, "copy"), (11, "*small")),
        (("copy", "class"), (10, "class"), (10, "batch")),
        (("notes",), (12, "notes"), (12, "|")),
        (("models", "nothing", "here"), (1, "models"), (1, "models")),
        ((), (1, "models:"), (1, "models:")),
    ],
)
def test_spans(document: Document, path: tuple, key: tuple[int, str], value: tuple[int, str]) -> None:
    assert at(document.key_span(path)) == key
    assert at(document.value_span(path)) == value


def test_get(document: Document) -> None:
    assert document.get(("models", "chat", "tags", 1)) == "b c"
    assert document.has(("models", "chat"))
    for path in [("models", "other"), ("models", "chat", "tags", 2), ("models", "chat", "tags", "x"), ("notes", 0)]:
        assert not document.has(path)
        with pytest.raises(KeyError):
            document.get(path)


def test_computed_data_points_at_the_file() -> None:
    document = Document.from_data({"a": 1}, "values.yaml")
    assert document.value_span(("a",)) == document.key_span(("b",)) == Span(file="values.yaml")
    assert document.deletion_span(("a",)) is None
