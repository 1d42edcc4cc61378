from __future__ import annotations

import itertools

import pytest

from llmgen import catalog
from llmgen.catalog.accelerators import normalise

# Every GPU name of the published sizing, performance and load measurements the arithmetic is checked against.
MEASURED_NAMES = [
    "A10-24GB", "A100", "A100-40GB", "A100-40GB (Standard_ND96asr_v4 x2)", "A100-80GB", "A100-SXM-80GB", "A10G", "B200",
    "B200-180GB", "B300", "GB10 (DGX Spark)", "GB10-128GB-UMA", "H100", "H100 (CoreWeave)", "H100-80GB",
    "H100-80GB-HBM3",
    "H100-SXM-80GB", "H20", "H200", "H200 (p5en)", "H200-141GB", "H200-SXM-141GB", "Intel-Arc-Pro-B70-32GB", "L40S",
    "L40S-48GB", "MI300X", "MI355X (gfx950)", "RTX PRO 6000 96GB", "RTX-3090-24GB", "RTX-4090-24GB", "RTX-5070Ti-16GB",
    "RTX-5090-32GB", "RTX-A5000-24GB", "RTX-PRO-6000-96GB", "RTX4090-24GB", "RX-7900GRE-16GB", "T4-16GB",
    "V100-32GB (inferred)",
]  # fmt: skip
# What clouds rent, by the short name people write.
RENTED = [
    "T4", "V100", "A10", "A10G", "A16", "A30", "A40", "A100-PCIe-40GB", "A100-PCIe-80GB", "A100-SXM-40GB", "L4", "L40",
    "RTX-4090", "RTX-5090", "A5000", "A6000", "RTX-6000-Ada", "RTX-PRO-6000", "H100-PCIe", "H100-NVL", "GH200", "H200",
    "B200", "GB200", "B300", "MI300X", "MI325X",
]  # fmt: skip


@pytest.mark.parametrize("name", [*MEASURED_NAMES, *RENTED])
def test_names_people_write_resolve_in_any_case(name: str):
    found = catalog.gpu(name)
    assert catalog.gpu(name.lower()) is found
    assert catalog.gpu(found.name) is found


@pytest.mark.parametrize(
    ("name", "memory_gib"),
    # Totals printed by vLLM start-up logs of these cards.
    [("H100", 79.19), ("H200", 139.80), ("L40S-48GB", 44.39), ("A10-24GB", 22.06), ("RTX-3090", 23.58), ("T4", 14.56)],
)
def test_memory_is_what_the_driver_reports(name: str, memory_gib: float):
    assert catalog.gpu(name).memory_gib == pytest.approx(memory_gib, abs=0.02)
    assert catalog.gpu(name).memory_source == "measured"


def test_no_two_gpus_share_a_name_or_alias():
    keys = [normalise(key) for gpu in catalog.gpus().values() for key in (gpu.name, *gpu.aliases)]
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("gpu", catalog.gpus().values(), ids=lambda gpu: gpu.name)
def test_facts_are_sane(gpu: catalog.Gpu):
    nominal = int(gpu.name.rpartition("-")[2].removesuffix("GB"))
    # Never more than the name says in GB, and never less than nine tenths of it: ECC takes at most that.
    assert 0.85 * nominal < gpu.memory_gib <= nominal * 1e9 / 2**30 * 1.075
    assert 100 < gpu.bandwidth_gbps < 20_000
    rates = [rate for rate in (gpu.fp16_tflops, gpu.fp8_tflops, gpu.fp4_tflops) if rate is not None]
    assert rates == sorted(rates), "fewer bits are never slower"
    assert gpu.interconnect == "pcie" or gpu.interconnect_gbps >= 300
    assert (gpu.compute_capability is None) == (gpu.vendor != "nvidia")
    if gpu.vendor == "nvidia":
        assert gpu.compute_capability is not None
        assert (gpu.fp8_tflops is not None) == (float(gpu.compute_capability) >= 8.9)
        assert (gpu.fp4_tflops is not None) == (float(gpu.compute_capability) >= 10)


@pytest.mark.parametrize("gpu", [gpu for gpu in catalog.gpus().values() if gpu.mig], ids=lambda gpu: gpu.name)
def test_mig_profiles_fit_their_gpu(gpu: catalog.Gpu):
    compute, memory = gpu.mig_slices
    assert (compute, memory) in {(7, 8), (4, 4)}
    for name, profile in gpu.mig.items():
        assert profile.resource == f"nvidia.com/mig-{name}"
        assert name.startswith(f"{profile.compute_slices}g.")
        assert profile.per_gpu * profile.compute_slices <= compute
        assert profile.per_gpu * profile.memory_slices <= memory
        assert profile.per_gpu * profile.memory_gib <= gpu.memory_gib
        assert profile.memory_gib <= gpu.memory_gib * profile.memory_slices / memory
    for small, large in itertools.pairwise(sorted(gpu.mig.values(), key=lambda item: item.memory_slices)):
        assert small.memory_gib <= large.memory_gib


def test_mig_capable_cards_have_profiles():
    for name in ("A30", "A100-40GB", "A100-80GB", "H100", "H100-NVL", "GH200", "H200", "B200", "GB200", "RTX-PRO-6000"):
        assert catalog.gpu(name).mig
    assert not catalog.gpu("L40S").mig
    assert catalog.gpu("L40S").mig_slices == (1, 1)


def test_the_resource_follows_the_vendor():
    assert catalog.gpu("L4").resource == "nvidia.com/gpu"
    assert catalog.gpu("MI300X").resource == "amd.com/gpu"


def test_labels_tell_the_two_a100_apart_where_the_name_does_not():
    small, large = catalog.gpu("A100-40GB").node_labels["eks"], catalog.gpu("A100-80GB").node_labels["eks"]
    assert small != large


def test_an_unknown_name_carries_near_misses_and_all_names():
    with pytest.raises(catalog.UnknownName) as caught:
        catalog.gpu("H100-SMX")
    assert caught.value.near[0] == "H100-SXM-80GB"
    assert set(caught.value.known) == set(catalog.gpus())
    assert "did you mean H100-SXM-80GB" in str(caught.value)
    assert isinstance(caught.value, KeyError)


def test_a_name_like_no_other_lists_what_is_known():
    with pytest.raises(catalog.UnknownName, match="known: T4-16GB"):
        catalog.gpu("tpu-v5e")
