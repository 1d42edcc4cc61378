"""The contract of ``llmgen size --config``, which other tools call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmgen.catalog import gpu
from llmgen.cli.size import command

DATA = Path(__file__).parents[3] / "benchmarks/data"
CONFIGS = json.loads((DATA / "model-configs.json").read_text(encoding="utf-8"))
KEYS = [
    "weightsGiBPerGpu",
    "kvBytesPerToken",
    "activationGiB",
    "nonTorchGiB",
    "cudaGraphGiB",
    "kvCacheGiBPerGpu",
    "kvCacheTokens",
    "kvCacheTokensSafe",
    "maxConcurrency",
    "tpotMs",
    "ttftMs",
    "outputTokensPerSecond",
    "loadBudgetSeconds",
    "loadExpectedSeconds",
    "unsupported",
]
FULL = [
    "--gpu",
    "H100-SXM-80GB",
    "--tp",
    "1",
    "--pp",
    "1",
    "--dtype",
    "bfloat16",
    "--quantization",
    "fp8",
    "--kv-cache-dtype",
    "fp8",
    "--max-model-len",
    "8192",
    "--max-num-seqs",
    "256",
    "--max-num-batched-tokens",
    "8192",
    "--gpu-memory-utilization",
    "0.9",
    "--enforce-eager",
    "--gpu-memory-gib",
    "79.19",
    "--vllm-version",
    "0.19.0",
    "--isl",
    "1000",
    "--osl",
    "200",
    "--concurrency",
    "32",
    "--storage",
    "pvc",
    "--format",
    "json",
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIGS["meta-llama/Llama-3.1-8B-Instruct"]))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_json_has_exactly_the_documented_keys(config: Path):
    result = run("--config", config, *FULL)
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert list(data) == KEYS
    assert data["unsupported"] == []
    assert all(data[key] is not None for key in KEYS)


def test_latency_is_null_without_lengths(config: Path):
    data = json.loads(run("--config", config, "--gpu", "L4", "--format", "json").stdout)
    assert data["tpotMs"] is data["ttftMs"] is data["outputTokensPerSecond"] is None


def test_text_gives_the_reason_of_every_number(config: Path):
    result = run("--config", config, "--gpu", "H100")
    assert result.exit_code == 0
    assert "8.03 B weights" in result.output
    assert "load, budget" in result.output


def test_a_model_of_the_catalogue_needs_no_file():
    assert run("--config", "Qwen/Qwen3-8B", "--gpu", "L40S").exit_code == 0


def test_a_checkpoint_directory_is_measured(config: Path):
    (config.parent / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 10 * 2**30}}))
    data = json.loads(run("--config", config.parent, "--gpu", "H100", "--format", "json").stdout)
    assert data["weightsGiBPerGpu"] == pytest.approx(10.03, abs=0.01)


@pytest.mark.parametrize(
    "name", sorted({json.loads(line)["gpu"] for line in (DATA / "sizing-truth.jsonl").open()} - {None}, key=str)
)
def test_gpu_names_of_published_data_are_known(name: str):
    assert gpu(name).memory_gib > 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "give either SPEC or --config"),
        (["--config", "Qwen/Qwen3-8B"], "--config needs --gpu"),
        (["--config", "Qwen/Qwen3-8B", "--gpu", "H1000"], "H100"),
        (["--config", "Qwen/Qwen3-8", "--gpu", "H100"], "did you mean"),
        (["--config", "Qwen/Qwen3-8B", "--gpu", "H100", "--storage", "tape"], "local-nvme"),
        (["--config", __file__, "--gpu", "H100"], "not JSON"),
        (["--config", "Qwen/Qwen3-8B", "--gpu", "H100", "--plot", "x.html"], "draws the shapes of a SPEC"),
    ],
)
def test_wrong_usage_says_what_is_wrong(arguments: list[str], text: str):
    result = run(*arguments)
    assert result.exit_code == 2
    assert text in result.output
