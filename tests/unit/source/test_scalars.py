"""Words without quotes: one meaning for every reader, or a refusal."""

from __future__ import annotations

import pytest

from llmgen.source.scalars import Refusal, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("null", None), ("", None), ("0", 0), ("-7", -7), ("4096", 4096),
        ("0.9", 0.9), ("-0.5", -0.5),
        ("10.25", 10.25), ("1.2.3", "1.2.3"), ("v1", "v1"), ("10.0.0.1", "10.0.0.1"), ("30s", "30s"),
        ("20Gi", "20Gi"), ("8080:80", "8080:80"),
        ("1e", "1e"), ("e3", "e3"), ("0x", "0x"), ("0xg", "0xg"), ("-", "-"),
        ("--flag", "--flag"), ("2026-11", "2026-11"), ("nothing", "nothing"), ("yesterday", "yesterday"), (".", "."),
        ("...", "..."), ("+", "+"), ("7b", "7b"), ("08-chat", "08-chat"), ("a_1", "a_1"),
        ("9007199254740991", 2**53 - 1),
    ],
)  # fmt: skip
def test_accepted(text: str, value: object) -> None:
    result = resolve(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("texts", "id_"),
    [
        ("y Y yes Yes YES n N no on On off OFF True TRUE False FALSE", "LLM023"),
        ("~ Null NULL", "LLM024"),
        ("0x1F 0o17 017 08 1_000 +1 12:30 190:20:30 0b101 -0x1 -012 00", "LLM025"),
        ("1e3 1E3 12e03 1.5e3 1.5e-3 .5 5. +.5 .inf -.inf +.Inf .nan .NaN 1_0.5 12:30.5 1e-9999", "LLM026"),
        ("2026-11-24 2026-1-2 2026-11-24T10:00:00Z", "LLM027"),
        (f"{2**53} -{2**53} {'9' * 5000}", "LLM028"),
    ],
)
def test_refused(texts: str, id_: str) -> None:
    for text in texts.split(" "):
        result = resolve(text)
        assert isinstance(result, Refusal), text
        assert result.id == id_, text


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("1e3", "1000"),
        ("1.5e3", "1500"),
        ("2.5e-1", "0.25"),
        ("-0b11", "-3"),
        ("+.5", "0.5"),
    ],
)
def test_the_hint_says_the_same_number_plainly(text: str, instead: str) -> None:
    result = resolve(text)
    assert isinstance(result, Refusal)
    assert result.hint == f'write {instead}, or "{text}" in quotes if you mean the text'
