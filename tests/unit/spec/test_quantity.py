"""Quantities as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgen.contract import load_schema
from llmgen.spec.quantity import GIB, byte_count, cores, gibibytes, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1ms", 0.001), ("300ms", 0.3), ("1s", 1), ("90s", 90), ("5m", 300), ("24h", 86_400), ("120s", 120)],
)
def test_seconds(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "s", "5", "5 s", "1.5s", "-5s", "5S", "1h30m", "5d", "٣s", "5s\n"])
def test_not_seconds(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0), ("1", 1), ("1k", 1000), ("1Ki", 1024), ("1.5Ki", 1536), ("20Gi", 20 * GIB), ("1Ti", 1024 * GIB), ("1P", 10**15),
        ("0.0001Ki", 1), ("2M", 2_000_000),
    ],
)  # fmt: skip
def test_bytes(text: str, expected: int) -> None:
    assert byte_count(text) == expected


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1GB", "1gi", "-1Gi", "1e3", ".5Gi", "1.Gi", "1K", "1m"])
def test_not_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity of bytes"):
        byte_count(text)


@pytest.mark.parametrize(("text", "expected"), [("4", 4), ("500m", 0.5), ("0.5", 0.5), ("1500m", 1.5), ("0", 0)])
def test_cores(text: str, expected: float) -> None:
    assert cores(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "m", "4 ", "4cores", "-1", "4M"])
def test_not_cores(text: str) -> None:
    with pytest.raises(ValueError, match="not a CPU quantity"):
        cores(text)


@given(st.integers(min_value=0, max_value=2**50))
def test_gibibytes_never_round_down(amount: int) -> None:
    written = byte_count(gibibytes(amount))
    assert amount <= written < amount + GIB


PATTERNS = {name: load_schema("serving-spec")["$defs"][name]["pattern"] for name in ("duration", "quantity", "cpu")}


@pytest.mark.parametrize(("name", "parse"), [("duration", seconds), ("quantity", byte_count), ("cpu", cores)])
def test_the_contract_lets_nothing_through_that_cannot_be_read(name: str, parse: object) -> None:
    @given(st.from_regex(PATTERNS[name], fullmatch=True, alphabet=st.characters(codec="ascii")))
    def reads(text: str) -> None:
        assert callable(parse)
        assert parse(text.rstrip("\n")) >= 0

    reads()
