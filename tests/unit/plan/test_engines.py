"""What one revision's engine needs, on whole specs."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmgen.pipeline import run
from llmgen.plan import EnginePlan

SPEC = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {name: assistant}
cluster:
  pools: {h100: {gpu: H100-SXM-80GB, gpusPerNode: 8, maxNodes: 2}}
  storage: {weights: {kind: nfs, claim: weights, readMBps: 1000, accessMode: ReadWriteMany}}
models:
  chat:
    source: {volume: {storage: weights, path: model}}
    architecture: {catalog: Qwen/Qwen3-14B}
    limits: {maxPromptTokens: 4096, maxCompletionTokens: 1024}
    targets: {peakConcurrentRequests: 8}
    revisions:
      whole: {gpu: {pool: h100, tensorParallel: 1}}
      split: {gpu: {pool: h100, tensorParallel: 4}}
      fp8: {gpu: {pool: h100, tensorParallel: 1}, quantization: fp8}
    tracks: {stable: whole, canary: split, previous: fp8}
"""


@pytest.fixture
def engines(tmp_path: Path) -> dict[str, EnginePlan]:
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    outcome = run(str(tmp_path / "spec.yaml"))
    assert outcome.plan is not None, outcome.problems
    return {revision: planned for (_, revision), planned in outcome.plan.engines.items()}


def read(planned: EnginePlan) -> float:
    return next(part.expected_seconds for part in planned.load.parts if part.name == "read")


def test_a_checkpoint_is_read_once_however_many_gpus_share_it(engines: dict[str, EnginePlan]) -> None:
    assert read(engines["split"]) == pytest.approx(read(engines["whole"]), rel=0.02)


def test_fp8_made_while_loading_reads_the_whole_checkpoint(engines: dict[str, EnginePlan]) -> None:
    """14.8 B parameters of two bytes at 1000 MB/s: half a minute, although half of it stays in memory."""
    assert engines["fp8"].shape.memory.weight_bytes < 0.6 * engines["whole"].shape.memory.weight_bytes
    assert read(engines["fp8"]) == pytest.approx(read(engines["whole"]))
    assert read(engines["whole"]) == pytest.approx(29.5, rel=0.1)


@pytest.mark.parametrize(("peak", "problems"), [(1, []), (4000, ["LLM233"])])
def test_a_single_node_volume(tmp_path: Path, peak: int, problems: list[str]) -> None:
    """One engine at a time, upgrades included; a plan with more is refused."""
    text = SPEC.replace("ReadWriteMany", "ReadWriteOnce").replace(
        "peakConcurrentRequests: 8", f"peakConcurrentRequests: {peak}"
    )
    head, _, _ = text.partition("    revisions:")
    file = tmp_path / "spec.yaml"
    file.write_text(head.replace("maxNodes: 2", "maxNodes: 200"), encoding="utf-8")
    outcome = run(str(file))
    assert [problem.id for problem in outcome.problems if problem.severity == "error"] == problems
    if not problems:
        assert outcome.values is not None
        surge = outcome.values.derived["models", "chat", "revisions", "v1", "strategy", "surge"]
        assert (surge.value, surge.because) == (
            False,
            "volume weights is for one node at a time: upgrades stop one engine before they start one",
        )


def test_an_output_rate_can_need_more_engines_than_the_requests(tmp_path: Path) -> None:
    text = SPEC.replace("peakConcurrentRequests: 8", "peakConcurrentRequests: 8, outputTokensPerSecond: 100000")
    (tmp_path / "spec.yaml").write_text(text.replace("maxNodes: 2", "maxNodes: 500"), encoding="utf-8")
    outcome = run(str(tmp_path / "spec.yaml"))
    assert outcome.plan is not None, outcome.problems
    planned = outcome.plan.engines["chat", "whole"]
    speed = planned.shape.latency
    assert speed is not None
    assert planned.min_replicas.value * speed.output_tokens_per_second.value >= 100_000
    assert (planned.min_replicas.value - 1) * speed.output_tokens_per_second.value < 100_000
    assert "tokens/s" in planned.min_replicas.because


def test_the_startup_budget_is_patient(engines: dict[str, EnginePlan]) -> None:
    """A start ten times slower than expected is not killed, and the slow tail of the storage is covered."""
    for planned in engines.values():
        assert planned.startup_budget.value >= 10 * planned.startup_expected.value
        assert planned.startup_budget.value >= planned.load.budget_seconds.value
