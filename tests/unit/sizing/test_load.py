"""Load budget: the tail is covered, the timeouts follow, the strategy asks for memory first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from llmgen.catalog import UnknownName
from llmgen.sizing import EngineSettings, LoadSource, StorageKind, load_budget, storage_kind, storage_kinds

DATA = Path(__file__).parents[3] / "benchmarks/data"
ROWS = [json.loads(line) for line in (DATA / "load-truth.jsonl").read_text(encoding="utf-8").splitlines()]
ENGINE = EngineSettings(
    version="0.32.0", max_model_len=8192, max_num_seqs=256, max_num_batched_tokens=8192, gpu_memory_utilization=0.9
)
GIB = 2**30


@pytest.mark.parametrize(
    "kind", [kind for kind in storage_kinds().values() if kind.rows >= 20], ids=lambda kind: kind.name
)
def test_floor_covers_nine_of_ten_rows_within_five_medians(kind: StorageKind):
    rates = [row["gib_per_s"] for row in ROWS if row["storage_kind"] == kind.name and row["gib_per_s"]]
    assert len(rates) >= 20
    assert sum(rate >= kind.floor for rate in rates) >= 0.9 * len(rates)
    assert median(rates) <= 5 * kind.floor


def test_every_kind_of_the_data_is_known_but_odd_ones():
    known = {kind.name for kind in storage_kinds().values()} | {
        alias for k in storage_kinds().values() for alias in k.aliases
    }
    assert {row["storage_kind"] for row in ROWS} <= known


def test_kinds_and_aliases_are_distinct():
    names = [name for kind in storage_kinds().values() for name in (kind.name, *kind.aliases)]
    assert len(names) == len(set(names))


def test_every_kind_has_a_source_and_a_floor_below_what_is_expected():
    for kind in storage_kinds().values():
        assert kind.source
        assert 0 < kind.floor <= kind.expected


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(UnknownName, match="local-nvme"):
        storage_kind("tape")


def test_parts_add_up_to_the_budget():
    budget = load_budget(60 * GIB, LoadSource(kind="pvc"), ENGINE, layers=80)
    total = sum(part.budget_seconds for part in budget.parts)
    assert total <= budget.budget_seconds.value < total + 5
    assert sum(part.expected_seconds for part in budget.parts) == pytest.approx(budget.expected_seconds.value)


def test_a_given_rate_replaces_the_table():
    slow = load_budget(60 * GIB, LoadSource(kind="pvc", read_mib_per_s=100), ENGINE)
    read = next(part for part in slow.parts if part.name == "read")
    assert read.expected_seconds == pytest.approx(614.4)
    assert read.budget_seconds == pytest.approx(1228.8)


def test_a_hub_source_downloads_first():
    names = [part.name for part in load_budget(15 * GIB, LoadSource(kind="hub"), ENGINE).parts]
    assert names[:3] == ["process start", "download", "read"]


def test_eager_mode_neither_compiles_nor_captures():
    names = [
        part.name for part in load_budget(15 * GIB, LoadSource(kind="pvc"), replace(ENGINE, enforce_eager=True)).parts
    ]
    assert "compile" not in names
    assert "graphs" not in names


@pytest.mark.parametrize(
    ("kind", "memory", "expected"),
    [("nfs", 80 * GIB, "prefetch"), ("nfs", 60 * GIB, None), ("nfs", None, None), ("local-nvme", 500 * GIB, None)],
)
def test_prefetch_needs_a_shared_volume_and_memory(kind: str, memory: int | None, expected: str | None):
    budget = load_budget(60 * GIB, LoadSource(kind=kind), ENGINE, node_memory_bytes=memory)
    assert budget.safetensors_load_strategy == expected
    assert budget.safetensors_reason
