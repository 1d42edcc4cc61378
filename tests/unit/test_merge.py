"""RFC 7396, and where merged values stand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from llmgen.merge import merge_documents, merge_patch
from llmgen.source import Document, read_text

# The table of RFC 7396, appendix A: https://www.rfc-editor.org/rfc/rfc7396#appendix-A
TABLE = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("base", "patch", "result"), TABLE)
def test_table_of_the_rfc(base: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy((base, patch))
    assert merge_patch(base, patch) == result
    assert (base, patch) == before


TEXT = """\
models:
  chat:
    class: interactive
    limits: {max: 1, queue: 2}
  small:
    class: batch
environments:
  prod:
    models:
      chat:
        limits: {max: 8}
      small: null
      large:
        class: batch
    tags: [a]
"""


@pytest.fixture
def document() -> Document:
    found = read_text(TEXT, "spec.yaml").document
    assert found is not None
    return found


def test_positions_come_from_the_patch(document: Document) -> None:
    merged = merge_documents(document, ("environments", "prod"))
    assert merged.data["models"] == {
        "chat": {"class": "interactive", "limits": {"max": 8, "queue": 2}},
        "large": {"class": "batch"},
    }
    lines = {
        ("models",): 1,
        ("models", "chat", "class"): 3,
        ("models", "chat", "limits"): 4,
        ("models", "chat", "limits", "queue"): 4,
        ("models", "chat", "limits", "max"): 11,
        ("models", "large"): 13,
        ("models", "large", "class"): 14,
        ("tags", 0): 15,
    }
    assert {path: merged.value_span(path).line for path in lines} == lines
    deleted = merged.deletion_span(("models", "small"))
    assert deleted is not None
    assert (deleted.line, deleted.col, deleted.end_col) == (12, 7, 12)
    assert merged.deletion_span(("models", "chat")) is None


def test_the_base_is_untouched(document: Document) -> None:
    before = copy.deepcopy(document.data)
    merge_documents(document, ("environments", "prod"))
    assert document.data == before
    assert document.value_span(("models", "chat", "limits", "max")).line == 4
    assert document.deletion_span(("models", "small")) is None
    assert document.has(("models", "small"))


def test_patch_in_another_file(document: Document) -> None:
    patch = read_text("models:\n  chat: {class: yes}\n", "rollout.yaml").document
    assert patch is not None
    merged = merge_documents(document, (), patch=patch)
    span = merged.value_span(("models", "chat", "class"))
    assert (span.file, span.line) == ("rollout.yaml", 2)
    assert merged.key_span(("models", "chat", "class")).file == "rollout.yaml"
    assert merged.value_span(("models", "chat")).file == "spec.yaml"
    assert merged.suspects == {("models", "chat", "class")}


def test_a_deleted_key_can_come_back(document: Document) -> None:
    once = merge_documents(document, ("environments", "prod"))
    back = read_text("models: {small: {class: batch}}\n", "back.yaml").document
    merged = merge_documents(once, (), patch=back)
    assert merged.deletion_span(("models", "small")) is None
    assert merged.value_span(("models", "small", "class")).file == "back.yaml"


def test_unknown_patch(document: Document) -> None:
    with pytest.raises(KeyError):
        merge_documents(document, ("environments", "staging"))


def test_computed_documents_merge_without_positions() -> None:
    merged = merge_documents(Document.from_data({"a": 1}, "x"), (), patch=Document.from_data({"b": 2}, "y"))
    assert merged.data == {"a": 1, "b": 2}
    assert merged.value_span(("b",)).file == "x"
