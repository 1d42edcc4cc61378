"""Algebra of merge patches."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from llmgen.merge import merge_documents, merge_patch
from llmgen.source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = st.sampled_from("abc")
JSON = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
MAPS = st.dictionaries(KEYS, JSON, max_size=3)


@given(JSON, JSON)
def test_a_second_time_changes_nothing(base: Any, patch: Any) -> None:
    once = merge_patch(base, patch)
    assert merge_patch(once, patch) == once


@given(JSON, JSON)
def test_nothing_is_changed_in_place(base: Any, patch: Any) -> None:
    before = copy.deepcopy((base, patch))
    merge_patch(base, patch)
    assert (base, patch) == before


@given(MAPS)
def test_the_empty_patch_changes_nothing(base: Any) -> None:
    assert merge_patch(base, {}) == base


@given(MAPS, MAPS)
def test_null_deletes_and_other_keys_stay(base: Any, patch: Any) -> None:
    result = merge_patch(base, patch)
    assert all(key not in result for key, value in patch.items() if value is None)
    assert all(result[key] == base[key] for key in base if key not in patch)
    assert result.keys() == (base.keys() | patch.keys()) - {key for key, value in patch.items() if value is None}


@given(MAPS, MAPS)
def test_positions_follow_the_data(base: Any, patch: Any) -> None:
    text = f"base: {json.dumps(base)}\npatch: {json.dumps(patch)}\n"
    document = read_text(text, "f").document
    assert document is not None
    merged = merge_documents(
        read_text(json.dumps(base), "base").document, (), patch=read_text(json.dumps(patch), "patch").document
    )
    assert merged.data == merge_patch(base, patch)
    for path in paths(merged.data):
        span = merged.value_span(path)
        own = json.loads(span.text[span.col - 1 : span.end_col - 1])
        if not isinstance(merged.get(path), dict):
            assert own == merged.get(path)


def paths(data: Any, at: tuple = ()) -> Iterator[tuple]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from paths(value, (*at, key))
