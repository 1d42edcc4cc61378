"""The command line: what the chart renders is understood, and what vLLM 0.32 refuses is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fake_engine import flags

if TYPE_CHECKING:
    from collections.abc import Callable

CHART = Path(__file__).parents[3] / "charts" / "llm-serving"


def test_reads_every_spelling():
    given = ["org/model", "--served-model-name", "a", "b", "--max-model-len", "8k", "--max_num_seqs=4", "-tp", "2"]
    given += ["--no-enable-prefix-caching", "--enforce-eager", "--kv-cache-dtype", "fp8"]
    assert flags.parse([*given, '--custom-histogram-buckets={"time_to_first_token":[2]}']) == {
        "model": "org/model",
        "served-model-name": ["a", "b"],
        "max-model-len": 8000,
        "max-num-seqs": 4,
        "tensor-parallel-size": 2,
        "enable-prefix-caching": False,
        "enforce-eager": True,
        "kv-cache-dtype": "fp8",
        "custom-histogram-buckets": {"time_to_first_token": [2]},
    }


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--disable-log-requests", "unrecognized arguments: --disable-log-requests"),
        ("--swap-space=4", "unrecognized arguments: --swap-space=4"),
        ("--no-disable-log-stats", "unrecognized arguments: --no-disable-log-stats"),
        ("--max-num-seqs=many", "argument --max-num-seqs: invalid int value: 'many'"),
        ("--max-num-seqs", "argument --max-num-seqs: expected one argument"),
        ("--compilation-config={", "argument --compilation-config: invalid json value: '{'"),
        ("--enforce-eager=true", "argument --enforce-eager: ignored explicit argument 'true'"),
        ("--served-model-name", "argument --served-model-name: expected at least one argument"),
    ],
)
def test_refuses(argument: str, message: str):
    with pytest.raises(flags.BadArgumentsError) as caught:
        flags.parse(["model", argument])
    assert str(caught.value) == message


def test_refuses_a_value_that_is_no_choice():
    with pytest.raises(flags.BadArgumentsError, match=r"invalid choice: 'fp7' \(choose from 'auto'"):
        flags.parse(["model", "--kv-cache-dtype=fp7"])


def test_a_bad_command_line_ends_the_process_with_2(start: Callable[..., Any]):
    code, log = start("--disable-log-requests", ready=False).end()
    assert code == 2
    assert "vllm serve: error: unrecognized arguments: --disable-log-requests" in log


def test_a_context_beyond_the_cache_ends_the_process_with_1(start: Callable[..., Any]):
    code, log = start(kv_tokens=1000, ready=False).end()
    assert code == 1
    assert "To serve at least one request with the models's max seq len (2048)" in log


@pytest.mark.parametrize("values", sorted(path.name for path in (CHART / "ci").glob("*.yaml")))
def test_understands_what_the_chart_renders(values: str):
    command = ["helm", "template", "x", str(CHART), "--kube-version", "1.34.0", "-f", str(CHART / "ci" / values)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    engines = [
        container
        for document in yaml.safe_load_all(rendered)
        if document and document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
        if container.get("command") == ["vllm", "serve"]
    ]
    assert engines
    for engine in engines:
        options = flags.parse(engine["args"])
        assert options["model"] == engine["args"][0]
        assert options["max-num-queued-reqs"] >= options["max-num-seqs"]
        assert options["shutdown-timeout"] > 0
