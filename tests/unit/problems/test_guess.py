from __future__ import annotations

import pytest

from llmgen.problems import did_you_mean, guess_hint

KEYS = [
    "maxModelLen",
    "gpu",
    "count",
    "replicas",
    "scaling",
    "source",
    "image-tag",
    "tensorParallel",
    "nvidia-h100-80gb",
]


@pytest.mark.parametrize(
    ("word", "guess"),
    [
        ("maxmodellen", "maxModelLen"),
        ("max_model_len", "maxModelLen"),
        ("max-model-len", "maxModelLen"),
        ("GPU", "gpu"),
        ("gpus", "gpu"),
        ("cuont", "count"),
        ("counts", "count"),
        ("replica", "replicas"),
        ("imageTag", "image-tag"),
        ("tensorparalel", "tensorParallel"),
        ("nvidia-h100", "nvidia-h100-80gb"),
        ("h100-80gb", "nvidia-h100-80gb"),
        ("tp", "tensorParallel"),
        ("mml", "maxModelLen"),
        ("it", "image-tag"),
        ("banana", None),
        ("", None),
        ("x" * 500, None),
        ("un", None),
    ],
)
def test_guess(word: str, guess: str | None) -> None:
    assert did_you_mean(word, KEYS) == guess


def test_hint() -> None:
    assert guess_hint("cuont", KEYS) == "did you mean 'count'?"
    assert guess_hint("banana", KEYS) is None
    assert guess_hint("a", []) is None
