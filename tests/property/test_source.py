"""The strict reader against PyYAML's own: what it accepts, it reads the same; what it refuses, it says where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgen.source import read, read_text

if TYPE_CHECKING:
    import pytest

WORDS = st.one_of(
    st.text(alphabet="0123456789eE.+-_xobynYNfFtT:~", max_size=8),
    st.sampled_from(
        [
            "true",
            "yes",
            "no",
            "null",
            "~",
            "1e3",
            "0x1",
            "2026-01-01",
            "<<",
            "a: b",
            "[",
            "{a: 1}",
            "- x",
            "#",
            "'",
            '"',
        ]
    ),
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), WORDS, min_size=1, max_size=6))
def test_what_is_accepted_means_the_same_to_pyyaml(words: dict[str, str]) -> None:
    text = "".join(f"{key}: {word}\n" for key, word in words.items())
    reading = read_text(text, "f")
    if not reading.problems:
        assert reading.document is not None
        assert reading.document.data == yaml.safe_load(text)
        assert repr(reading.document.data) == repr(yaml.safe_load(text))  # 1 is not 1.0 and not true


@given(st.text(alphabet="ab:-?[]{}&*!|>'\"%@`,# \n\t\\<0y", max_size=60))
@settings(max_examples=300)
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    reading = read_text(text, "f")
    assert reading.document is not None or reading.problems
    for problem in reading.problems:
        assert problem.message
        span = problem.span
        if span.line:
            line = text.split("\n")[span.line - 1]
            assert span.text == line
            assert 1 <= span.col < span.end_col <= len(line) + 2


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.yaml"
    file.write_bytes(raw)
    reading = read(file)
    assert reading.document is not None or reading.problems


@given(
    st.recursive(
        st.integers(-5, 5) | st.booleans() | st.none() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=12,
    )
)
def test_what_pyyaml_writes_with_quotes_is_read_back_with_the_same_positions(data: Any) -> None:
    class Quoting(yaml.SafeDumper):
        pass

    Quoting.add_representer(
        str, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')
    )
    text = yaml.dump({"root": data}, Dumper=Quoting, allow_unicode=False, width=10_000)
    reading = read_text(text, "f")
    assert reading.problems == ()
    assert reading.document is not None
    assert reading.document.data == {"root": data}
    if isinstance(data, (str, int)):
        span = reading.document.value_span(("root",))
        assert yaml.safe_load(span.text[span.col - 1 : span.end_col - 1]) == data
