from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgen.problems import dotted, parse_dotted


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "(root)"),
        (("models", "chat-1", "tags", 3, "x_y"), "models.chat-1.tags[3].x_y"),
        (("models", "qwen2.5", "a b"), 'models."qwen2.5"."a b"'),
        (("",), '""'),
        ((0, 1), "[0][1]"),
        (("a", 'say "hi"\n', "é"), 'a."say \\"hi\\"\\n"."é"'),
        (("1", 1), "1[1]"),
    ],
)
def test_written(path: tuple, text: str) -> None:
    assert dotted(path) == text


@given(st.lists(st.text(max_size=6) | st.integers(0, 99)).map(tuple))
def test_read_back(path: tuple) -> None:
    assert parse_dotted(dotted(path)) == path


@pytest.mark.parametrize("text", [".a", "a..b", "a.", "a b", "a[x]", "a[1", 'a."b', "a]", "a[1]b"])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_dotted(text)
