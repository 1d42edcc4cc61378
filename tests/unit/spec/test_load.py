"""A spec file becomes its merged document, its typed spec, and every problem, all in one pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmgen.load import environments, load
from llmgen.pipeline import validate

HEAD = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {name: assistant}
cluster:
  pools:
    l4: {gpu: L4-24GB, gpusPerNode: 2, maxNodes: 2}
"""
MODEL = """\
models:
  chat:
    source: {hub: {repo: Qwen/Qwen2.5-7B-Instruct}}
    limits: {maxPromptTokens: 3072, maxCompletionTokens: 1024}
"""


def write(tmp_path: Path, text: str) -> str:
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_minimal(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, HEAD + MODEL))
    assert loaded.problems == ()
    assert loaded.spec is not None
    assert loaded.pruned == frozenset()
    model = loaded.spec.models["chat"]
    assert (model.class_, model.kind, model.quality, model.limits.queue_depth, model.limits.request_timeout) == (
        "interactive",
        "generate",
        50,
        32,
        120,
    )
    assert model.limits.context_tokens == 4096
    assert list(model.revisions) == ["v1"]
    assert model.tracks.stable == "v1"
    assert model.revisions["v1"].source.hub is not None
    assert model.revisions["v1"].engine.gpu_memory_utilization == 0.9
    assert loaded.spec.cluster.pools["l4"].tolerations["nvidia.com/gpu"].operator == "Exists"
    assert loaded.spec.security.network_policies is True


REVISIONS = """\
    engine: {args: {seed: 1}, enforceEager: true}
    revisions:
      v1: {}
      v2:
        source: {hub: {revision: abc}}
        engine: {args: {seed: null, max-logprobs: 5}}
    tracks: {stable: v1, canary: v2}
"""


def test_revisions_are_patches_over_the_model(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, HEAD + MODEL + REVISIONS))
    assert loaded.problems == ()
    assert loaded.spec is not None
    first, second = loaded.spec.models["chat"].revisions.values()
    assert first.engine.args == {"seed": 1}
    assert second.engine.args == {"max-logprobs": 5}
    assert second.engine.enforce_eager is True
    assert (first.source.hub.revision, second.source.hub.revision) == ("main", "abc")  # type: ignore[union-attr]


def test_origin_and_span_follow_inheritance(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, HEAD + MODEL + REVISIONS))
    revision = ("models", "chat", "revisions", "v2")
    assert loaded.origin((*revision, "engine", "enforceEager")) == ("models", "chat", "engine", "enforceEager")
    assert loaded.origin((*revision, "engine", "args")) == (*revision, "engine", "args")
    assert loaded.origin(("models", "chat", "limits")) == ("models", "chat", "limits")
    assert loaded.span((*revision, "engine", "enforceEager"), key=True).line == 11
    assert loaded.span((*revision, "source", "hub", "revision")).line == 15


ENVIRONMENTS = """\
environments:
  dev:
    cluster: {pools: {l4: {maxNodes: 1}}}
  prod:
    production: true
    metadata: {namespace: prod, labels: {team: a}}
    models: {chat: {source: {hub: {revision: a09a35458c702b33eeacc393d103063234e8bc28}}}}
"""


def test_environments(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + MODEL + ENVIRONMENTS)
    assert environments(path) == ("dev", "prod")
    dev, prod = load(path, "dev").spec, load(path, "prod").spec
    assert dev is not None
    assert prod is not None
    assert (dev.production, prod.production) == (False, True)
    assert (dev.cluster.pools["l4"].max_nodes, prod.cluster.pools["l4"].max_nodes) == (1, 2)
    assert (dev.metadata.namespace, prod.metadata.namespace) == ("llm-serving", "prod")
    with pytest.raises(KeyError, match="staging"):
        load(path, "staging")


def test_no_environments(tmp_path: Path) -> None:
    assert environments(write(tmp_path, HEAD + MODEL)) == ()
    assert environments(str(tmp_path / "nothing.yaml")) == ()
    assert environments(write(tmp_path, "- 1\n")) == ()


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    loaded = load(str(tmp_path / "nothing.yaml"))
    assert [problem.id for problem in loaded.problems] == ["LLM001"]
    assert (loaded.document, loaded.spec) == (None, None)
    assert loaded.span(("models",)).file.endswith("nothing.yaml")


def test_shape_and_rules_are_reported_together(tmp_path: Path) -> None:
    """A misspelt key, a wrong value and a missing key hide none of the rules that fail elsewhere."""
    text = (
        HEAD.replace("maxNodes: 2", "maxNodse: 2")
        + MODEL.replace("3072", "many")
        + "    scaling: {min: 5, max: 2}\nrouting: {default: chta}\n"
    )
    found = validate(write(tmp_path, text))
    assert {"LLM101", "LLM103", "LLM241"} <= {problem.id for problem in found}
    by_path = {".".join(map(str, problem.path)) for problem in found}
    assert {"routing.default", "models.chat.revisions.v1.scaling.min"} & by_path
    assert [problem.span.line for problem in found] == sorted(problem.span.line for problem in found)


def test_a_required_key_with_a_typo_is_read_as_meant(tmp_path: Path) -> None:
    """The rest is checked with the value under the misspelt key, and no rule fails because of an invented example."""
    found = validate(write(tmp_path, HEAD + MODEL.replace("maxPromptTokens", "maxPromtTokens")))
    assert [(problem.id, problem.hint) for problem in found if problem.severity == "error"] == [
        ("LLM101", "did you mean 'maxPromptTokens'?")
    ]
    loaded = load(write(tmp_path, HEAD + MODEL.replace("maxPromptTokens", "maxPromtTokens")))
    assert loaded.spec is not None
    assert loaded.spec.models["chat"].limits.max_prompt_tokens == 3072
    assert ("models", "chat", "limits", "maxPromtTokens") in loaded.pruned


@pytest.mark.parametrize(
    "text",
    [
        "models: 3\n",
        "models: {chat: 3}\n",
        "models: {chat: {source: []}}\n",
        "models: {chat: {revisions: {v1: 3}}}\n",
        "cluster: []\nmodels: {}\n",
        "environments: {dev: 3}\n",
        "environments: 7\n",
    ],
)
def test_any_broken_shape_is_a_report_and_no_crash(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert validate(path)
    assert validate(write(tmp_path, HEAD + text) if not text.startswith("cluster") else path)


def test_a_mistake_in_a_revision_is_reported_once_where_it_stands(tmp_path: Path) -> None:
    found = validate(
        write(
            tmp_path,
            HEAD
            + MODEL
            + "    dtype: float31\n    revisions: {v1: {}, v2: {engine: {enforceEagr: true}}}\n    tracks: {stable: v1}\n",
        )
    )
    shape = [(problem.id, problem.span.line) for problem in found if problem.id.startswith("LLM1")]
    assert sorted(shape, key=lambda pair: pair[1]) == [("LLM104", 11), ("LLM101", 12)]
