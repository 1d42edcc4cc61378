"""The values dialect, to the letter."""

from __future__ import annotations

import enum
import math

import pytest
import yaml

from llmgen.emit import EmitError, emit

VALUES = {
    "models": {
        "chat": {
            "replicas": 3,
            "version": "0.32.0",
            "share": 0.9,
            "tiny": 1e-07,
            "huge": 1e22,
            "on": True,
            "nothing": None,
            "none": {},
            "empty": [],
            "tags": ["a", 1, [2, [3]], {"x": 1, "y": ["z"]}, {}],
        },
        "qwen2.5": {
            "kubernetes.io/arch": "amd64",
            "8": "ate",
            "": "empty",
            "null": 'say "hi"\n\t\\ \x00\x7f\x85\u2028\ufeff☃😀',
        },
    },
}
TEXT = """\
# Generated.
#
# From a spec.

models:
  # the models
  chat:
    replicas: 3  # ceil(90 / 36)
    version: "0.32.0"
    share: 0.9
    tiny: 1.0e-07
    huge: 1.0e+22
    "on": true
    nothing: null
    none: {}  # nothing set
    empty: []
    # every tag
    tags:
      - "a"
      - 1  # one
      -
        - 2
        -
          - 3
      # a map
      # its first key
      - x: 1
        "y":
          - "z"
      - {}
  qwen2.5:
    "kubernetes.io/arch": "amd64"
    "8": "ate"
    "": "empty"
    "null": "say \\"hi\\"\\n\\t\\\\ \\u0000\\u007f\\u0085\\u2028\\ufeff☃😀"
"""


def test_whole_text() -> None:
    chat = ("models", "chat")
    comments = {
        chat: "the models",
        (*chat, "replicas"): "ceil(90 / 36)",
        (*chat, "none"): "nothing\nset",
        (*chat, "tags"): "every tag",
        (*chat, "tags", 1): "one",
        (*chat, "tags", 3): "a map",
        (*chat, "tags", 3, "x"): "its first key",
    }
    text = emit(VALUES, comments=comments, header="Generated.\n\nFrom a spec.\n")
    wanted = TEXT.replace("      # its first key\n      - x: 1\n", "      - x: 1  # its first key\n")
    assert text == wanted
    assert yaml.safe_load(text) == VALUES


def test_long_comments_go_above() -> None:
    text = emit({"a": {"b": 1}}, comments={("a", "b"): "because " * 20})
    assert text == f"a:\n  # {('because ' * 20).strip()}\n  b: 1\n"


def test_comments_cannot_break_out() -> None:
    text = emit({"a": 1}, comments={("a",): "x\nb: 2\r\u2028c: 3\x00"}, header="h\x85d: 4")
    assert yaml.safe_load(text) == {"a": 1}


def test_empty() -> None:
    assert emit({}) == "{}\n"
    assert emit({}, header="nothing") == "# nothing\n\n{}\n"


def test_subclasses_are_written_as_what_they_are() -> None:
    class Level(enum.IntEnum):
        LOW = 3

    class Name(str):
        __slots__ = ()

    assert emit({"a": Level.LOW, "b": Name("x"), "c": (1, 2)}) == 'a: 3\nb: "x"\nc:\n  - 1\n  - 2\n'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**53, "lose digits"),
        (-(2**53), "lose digits"),
        (math.inf, "not a number that JSON has"),
        (math.nan, "not a number that JSON has"),
        ("\ud800", "half a surrogate"),
        ({1: 2}, "the key 1 is not text"),
        (object(), "object is not a type of YAML"),
        (b"x", "bytes is not a type of YAML"),
    ],
)
def test_refused(value: object, reason: str) -> None:
    with pytest.raises(EmitError, match=reason) as caught:
        emit({"a": [{"b": value}]})
    assert caught.value.path == ("a", 0, "b")
    assert str(caught.value).startswith("a[0].b: ")


def test_greatest_exact_integer_is_written() -> None:
    assert emit({"a": 2**53 - 1, "b": 1 - 2**53}) == "a: 9007199254740991\nb: -9007199254740991\n"


def test_a_comment_for_nothing_is_a_bug() -> None:
    with pytest.raises(EmitError, match=r"a\.c: a comment for a value that is not there"):
        emit({"a": {"b": 1}}, comments={("a", "c"): "why"})
