from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.golden.test_golden import CASES, arguments
from tests.unit.cli.conftest import GOLDEN, Invoke

from llmgen import explain, pipeline
from llmgen.problems import dotted
from llmgen.problems.ids import kinds

CONCURRENCY = "models.chat.revisions.v1.maxConcurrentRequests"
GROUND = {"spec", "default", "catalog", "term"}


def test_text(invoke: Invoke, spec: Path) -> None:
    result = invoke("explain", str(spec), CONCURRENCY)
    assert (result.exit_code, result.stderr) == (0, "")
    first, because, *rest = result.stdout.splitlines()
    assert first.startswith(f"{CONCURRENCY} = ")
    assert because.strip().startswith("because ")
    assert any(line.strip().startswith("spec models.chat.limits.maxPromptTokens = 3072  (spec.yaml:") for line in rest)
    assert any(line.strip().startswith("catalog gpus.L4-24GB.memoryGiB") for line in rest)


def test_json(invoke: Invoke, spec: Path) -> None:
    result = invoke("explain", str(spec), CONCURRENCY, "--format", "json")
    (found,) = json.loads(result.stdout)
    assert found["name"] == CONCURRENCY
    assert found["from"]
    assert result.stdout == invoke("explain", str(spec), CONCURRENCY, "--format", "json").stdout


def test_a_path_above_values_derives_each_of_them(invoke: Invoke, spec: Path) -> None:
    found = json.loads(invoke("explain", str(spec), "models.chat.limits", "--format", "json").stdout)
    assert [item["name"].rpartition(".")[2] for item in found] == [
        "maxPromptTokens",
        "maxCompletionTokens",
        "queueDepth",
        "queueTimeoutSeconds",
        "requestTimeoutSeconds",
    ]


def test_an_unknown_value(invoke: Invoke, spec: Path) -> None:
    result = invoke("explain", str(spec), CONCURRENCY.replace("Requests", "Reqests"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"did you mean '{CONCURRENCY}'?" in result.stderr
    assert "defaults are in its values.yaml" in invoke("explain", str(spec), "helmTest.enabled").stderr


def test_not_a_path(invoke: Invoke, spec: Path) -> None:
    assert invoke("explain", str(spec), "models..chat").exit_code == 2


def test_of_a_wrong_spec(invoke: Invoke, broken: Path) -> None:
    assert invoke("explain", str(broken), CONCURRENCY).exit_code == 1


@pytest.mark.parametrize("name", ["LLM311", "llm311", "pool-too-small"])
def test_a_problem(invoke: Invoke, name: str) -> None:
    result = invoke("explain", name)
    assert result.exit_code == 0
    assert result.stdout.startswith("LLM311 pool-too-small\nA pool cannot hold its models at their most.\n")


def test_every_problem_in_both_formats(invoke: Invoke) -> None:
    for kind in kinds().values():
        assert kind.fix in invoke("explain", kind.id).stdout
        assert json.loads(invoke("explain", kind.name, "--format", "json").stdout)["id"] == kind.id


@pytest.mark.parametrize("name", ["LLM999", "spec.yaml", "pool-too-smal"])
def test_no_problem(invoke: Invoke, name: str) -> None:
    result = invoke("explain", name)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_value_of_a_golden_rests_on_the_spec_or_a_fact(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each leaf of the generated values has a derivation, and every branch of it ends in a spec line, a default or a fact."""
    monkeypatch.chdir(case)
    asked = arguments(case)
    outcome = pipeline.run(asked.spec, asked.env, beside=Path())
    assert outcome.values is not None
    for path in leaves(outcome.values.data):
        found = explain.derivations(outcome, path)
        assert found, dotted(path)
        for step in found:
            assert step.inputs, f"{step.name} rests on nothing"
            for end in ends(step):
                assert end.kind in GROUND, f"{step.name} ends in {end.kind} {end.name}"
                assert end.kind != "term" or end.because, f"{step.name}: the term {end.name} has no reason"
                assert end.kind != "spec" or end.at, f"{step.name}: {end.name} has no place"
                assert end.kind != "default" or defaulted(end.name), (
                    f"{step.name}: {end.name} has no default in the contract"
                )
            assert explain.as_text(step).startswith(step.name)
            json.dumps(explain.as_json(step))


def leaves(data: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(data, dict) and data:
        return [leaf for key, value in data.items() for leaf in leaves(value, (*path, key))]
    return [path]


def ends(step: explain.Step) -> list[explain.Step]:
    return [end for item in step.inputs for end in ends(item)] if step.inputs else [step]


def defaulted(name: str) -> bool:
    """Whether the contract gives ``name`` a value, or says in words what happens without it."""
    from llmgen.load import spec_schema  # noqa: PLC0415
    from llmgen.mending import schema_at  # noqa: PLC0415
    from llmgen.problems import parse_dotted  # noqa: PLC0415

    path = parse_dotted(name)
    if len(path) > 4 and path[2] == "revisions":
        path = (*path[:2], *path[4:])
    described = schema_at(spec_schema(), path)
    return bool({"default", "x-default"} & described.keys()) or described.get("type") == "object"


def test_the_end_of_a_path_finds_the_whole_one(invoke: Invoke) -> None:
    result = invoke("explain", str(GOLDEN / "minimal" / "spec.yaml"), "maxReplicas")
    assert result.exit_code == 1
    assert "did you mean models.chat.revisions.v1.scaling.maxReplicas" in result.stderr
