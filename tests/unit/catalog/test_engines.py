from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmgen import catalog
from llmgen.catalog.files import read

CAPTURE = Path(__file__).parents[2] / "fixtures" / "vllm-0.32-metrics.txt"
V32 = catalog.vllm("0.32")

# Checked by hand on `vllm serve --help=all` and on a running server of 0.32.0.
ABSENT = [
    "disable-log-requests", "swap-space", "num-scheduler-steps", "guided-decoding-backend", "enable-reasoning",
    "use-v2-block-manager", "task", "rope-scaling", "device",
]  # fmt: skip
DEFAULTS = {
    "gpu-memory-utilization": 0.92, "max-model-len": None, "max-num-seqs": None, "max-num-batched-tokens": None,
    "max-num-active-seqs": None, "max-num-queued-reqs": None, "max-num-queued-tokens": None, "shutdown-timeout": 0,
    "tensor-parallel-size": 1, "pipeline-parallel-size": 1, "data-parallel-size": 1, "enable-prefix-caching": None,
    "enable-chunked-prefill": None, "kv-cache-dtype": "auto", "load-format": "auto", "safetensors-load-strategy": None,
    "served-model-name": None, "api-key": None, "generation-config": "auto", "override-generation-config": {},
    "enable-log-requests": False, "enable-log-outputs": False, "disable-log-stats": False, "scheduling-policy": "fcfs",
    "enable-server-load-tracking": False, "enable-sleep-mode": False, "enable-force-include-usage": False,
    "enable-prompt-tokens-details": False, "enable-request-id-headers": False, "custom-histogram-buckets": None,
    "kv-cache-metrics": False, "enable-mfu-metrics": False, "disable-access-log-for-endpoints": None, "port": 8000,
}  # fmt: skip
DEAD_METRICS = [
    "vllm:gpu_cache_usage_perc", "vllm:gpu_prefix_cache_hits_total", "vllm:gpu_prefix_cache_queries_total",
    "vllm:time_per_output_token_seconds", "vllm:num_requests_swapped", "vllm:cpu_cache_usage_perc",
    "vllm:gpu_prefix_cache_hit_rate", "vllm:cpu_prefix_cache_hit_rate", "vllm:time_in_queue_requests",
    "vllm:model_forward_time_milliseconds", "vllm:model_execute_time_milliseconds", "vllm:request_params_best_of",
    "vllm:avg_prompt_throughput_toks_per_s", "vllm:avg_generation_throughput_toks_per_s",
]  # fmt: skip


def captured_families() -> dict[str, tuple[str, set[str]]]:
    """Families of the capture: name -> (type, label names without le), without the _created series."""
    text = CAPTURE.read_text(encoding="utf-8")
    types = dict(re.findall(r"^# TYPE (vllm:\S+) (\S+)$", text, re.MULTILINE))
    families = {}
    for name, kind in types.items():
        if name.endswith("_created"):
            continue
        labels: set[str] = set()
        for body in re.findall(rf"^{re.escape(name)}(?:_bucket|_sum|_count)?{{(.*)}} ", text, re.MULTILINE):
            labels |= set(re.findall(r'(\w+)="', body))
        families[name] = (kind, labels - {"le"})
    return families


def test_always_exported_metrics_are_exactly_those_of_a_real_server():
    assert {name for name, metric in V32.metrics.items() if not metric.optional} == set(captured_families())


@pytest.mark.parametrize(("name", "expected"), captured_families().items())
def test_type_and_labels_are_those_of_a_real_server(name: str, expected: tuple[str, set[str]]):
    metric = V32.metrics[name]
    assert metric.type == expected[0]
    if metric.open_labels:
        assert set(metric.labels) < expected[1]
    else:
        assert set(metric.labels) == expected[1]


@pytest.mark.parametrize("name", ABSENT)
def test_flags_that_0_32_refuses(name: str):
    assert name not in V32.flags
    assert V32.removed_flags[name].use


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_defaults_of_0_32(name: str, default: object):
    assert V32.flags[name].default == default


def test_choices_of_0_32():
    assert V32.flags["safetensors-load-strategy"].choices == ("eager", "lazy", "prefetch", "torchao")
    assert {"auto", "fp8_e4m3", "nvfp4", "turboquant_k8v4", "ultraquant_4bit"} < set(
        V32.flags["kv-cache-dtype"].choices
    )
    assert V32.flags["scheduling-policy"].choices == ("fcfs", "priority")


@pytest.mark.parametrize("name", DEAD_METRICS)
def test_dead_metrics_of_0_32_say_what_to_use(name: str):
    assert name not in V32.metrics
    assert V32.removed_metrics[name].use


def test_replacements_exist_in_0_32():
    for gone in V32.removed_metrics.values():
        for name in re.findall(r"vllm:\w+", gone.use):
            assert name in V32.metrics, f"{gone.name} -> {name}"


@pytest.mark.parametrize("minor", catalog.minors())
def test_nothing_is_both_present_and_removed(minor: str):
    version = catalog.vllm(minor)
    assert not version.flags.keys() & version.removed_flags.keys()
    assert not version.metrics.keys() & version.removed_metrics.keys()


def test_what_a_version_had_the_next_has_or_lists_as_removed():
    known: set[str] = set()
    for minor in catalog.minors():
        version = catalog.vllm(minor)
        known |= set(version.flags) | set(version.removed_flags)
        assert known == set(version.flags) | set(version.removed_flags), minor


@pytest.mark.parametrize("minor", catalog.minors())
def test_flags_are_well_formed(minor: str):
    version = catalog.vllm(minor)
    assert len(version.flags) > 150
    for flag in version.flags.values():
        if flag.default is None:
            continue
        if flag.type == "choice":
            assert flag.default in flag.choices, flag
        elif flag.type in {"int", "float", "bool"}:
            kinds = {"int": int, "float": (int, float), "bool": bool}
            assert isinstance(flag.default, kinds[flag.type]), flag  # type: ignore[arg-type]


@pytest.mark.parametrize("minor", catalog.minors())
def test_owned_flags_exist_in_some_version(minor: str):
    assert {"model", "max-model-len", "max-num-seqs"} < set(catalog.vllm(minor).flags)


def test_every_owned_and_described_flag_was_a_flag_once():
    everywhere = {name for minor in catalog.minors() for name in catalog.vllm(minor).flags}
    assert set(catalog.owned_flags()) <= everywhere
    assert catalog.describe("max-num-seqs") == ("Most requests in one step", "requests")
    assert catalog.describe("no-such-flag") == ("", "")
    assert set(read("vllm-notes.yaml")["flags"]) <= everywhere


@pytest.mark.parametrize(
    ("written", "minor"), [("0.32", "0.32"), ("0.32.1", "0.32"), ("v0.11.2", "0.11"), ("0.19.1rc1", "0.19")]
)
def test_a_release_maps_to_its_minor(written: str, minor: str):
    assert catalog.vllm(written).minor == minor


@pytest.mark.parametrize("written", ["0.99", "0.320", "latest", "1.0.0", ""])
def test_an_unknown_minor_names_the_known_ones(written: str):
    with pytest.raises(catalog.UnknownName) as caught:
        catalog.vllm(written)
    assert caught.value.known == catalog.minors()


def test_the_minors_people_run_are_there_in_order():
    assert {"0.10", "0.11", "0.15", "0.19", "0.25", "0.30", "0.31", "0.32"} <= set(catalog.minors())
    assert catalog.minors()[0] == "0.10"
    assert catalog.minors()[-1] == "0.32"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("--max-num-seqs", "max-num-seqs"),
        ("max_num_seqs", "max-num-seqs"),
        ("no-enable-prefix-caching", "enable-prefix-caching"),
        ("-tp", "tensor-parallel-size"),
        ("device-memory-utilization", "gpu-memory-utilization"),
    ],
)
def test_a_flag_is_found_as_people_write_it(written: str, name: str):
    found = V32.find(written)
    assert found is not None
    assert found.name == name


def test_only_negatable_flags_have_a_no_form():
    assert V32.find("no-disable-log-stats") is None
    assert V32.find("no-such-flag") is None


@pytest.mark.parametrize(
    ("version", "memory_gib", "a100", "tokens", "seqs"),
    [
        ("0.32", 178.35, False, 16384, 1024),
        ("0.32", 79.19, False, 8192, 1024),
        ("0.32", 79.25, True, 2048, 256),
        ("0.32", 44.39, False, 2048, 256),
        ("0.25", 178.35, False, 8192, 1024),
    ],
)
def test_limits_taken_by_device(version: str, memory_gib: float, a100: bool, tokens: int, seqs: int):  # noqa: FBT001
    rule = catalog.vllm(version).device_default(memory_gib, a100=a100)
    assert (rule.max_num_batched_tokens, rule.max_num_seqs) == (tokens, seqs)


@pytest.mark.parametrize(
    ("minor", "feature", "value"),
    [
        ("0.17", "shutdown_timeout", False),
        ("0.18", "shutdown_timeout", True),
        ("0.28", "max_num_queued_reqs", False),
        ("0.29", "max_num_queued_reqs", True),
        ("0.31", "custom_histogram_buckets", False),
        ("0.32", "custom_histogram_buckets", True),
        ("0.19", "cuda_graph_estimate", False),
        ("0.20", "cuda_graph_estimate", True),
        ("0.21", "model_runner_v2", "off"),
        ("0.24", "model_runner_v2", "listed"),
        ("0.25", "model_runner_v2", "dense"),
        ("0.29", "model_runner_v2", "default"),
    ],
)
def test_features_begin_where_the_source_has_them(minor: str, feature: str, value: object):
    assert getattr(catalog.vllm(minor).features, feature) == value
