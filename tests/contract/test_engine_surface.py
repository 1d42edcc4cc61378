"""The chart's engine surface, the catalogue of vLLM and the spec agree with each other."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.contract.spec_schema import SCHEMA

from llmgen import catalog, chart, sizing

ENGINE: dict[str, Any] = yaml.safe_load((chart.folder() / "files" / "engine.yaml").read_text(encoding="utf-8"))
NEWEST = catalog.vllm(SCHEMA["$defs"]["engine"]["properties"]["version"]["default"])
NOT_OWNED = {"load-format": "another loader may be asked for beside weights from a volume"}
"""Flags that the chart sets for some sources only; people may set them for others."""


@pytest.mark.parametrize("intent", ENGINE["intents"])
def test_flag_of_an_intent_exists_and_is_owned(intent: str) -> None:
    flag = ENGINE["intents"][intent]["flag"]
    found = NEWEST.find(flag)
    assert found is not None, f"vLLM {NEWEST.minor} has no --{flag}"
    assert found.name == flag
    assert (flag in catalog.owned_flags()) != (flag in NOT_OWNED)
    for alias in ENGINE["intents"][intent].get("aliases", ()):
        assert NEWEST.find(alias) is not None, f"vLLM {NEWEST.minor} has no --{alias}"


@pytest.mark.parametrize("flag", sorted({flag for group in ENGINE["defaults"].values() for flag in group}))
def test_default_flag_exists(flag: str) -> None:
    assert NEWEST.find(flag) is not None


@pytest.mark.parametrize("flag", sorted(catalog.owned_flags()))
def test_owned_flag_exists(flag: str) -> None:
    assert NEWEST.find(flag) is not None


def test_metrics_of_the_hang_check_exist() -> None:
    progress = ENGINE["progress"]
    assert NEWEST.metrics[progress["running"]].type == "gauge"
    assert all(NEWEST.metrics[counter].type == "counter" for counter in progress["counters"])


def test_the_charts_engine_is_the_specs_default() -> None:
    found = yaml.safe_load((chart.folder() / "Chart.yaml").read_text(encoding="utf-8"))
    assert found["appVersion"] == SCHEMA["$defs"]["engine"]["properties"]["version"]["default"]


def test_providers_are_the_clouds_of_the_catalogue() -> None:
    clouds = {cloud for gpu in catalog.gpus().values() for cloud in gpu.node_labels}
    assert clouds == set(SCHEMA["$defs"]["cluster"]["properties"]["provider"]["enum"])


def test_every_gpu_has_a_generic_label() -> None:
    assert [
        gpu.name for gpu in catalog.gpus().values() if gpu.vendor == "nvidia" and not gpu.node_labels.get("generic")
    ] == []


def test_storage_kinds_of_the_spec_have_a_rate() -> None:
    kinds = set(SCHEMA["$defs"]["storage"]["properties"]["kind"]["enum"])
    sources = set(SCHEMA["$defs"]["source"]["properties"]) - {"volume"}
    assert all(sizing.storage_kind(name) in sizing.storage_kinds().values() for name in kinds | sources)
