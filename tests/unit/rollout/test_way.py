"""The whole way of a canary, one command after the other, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from tests.unit.rollout.conftest import FILE, Rollout, bake, put, read, written
from tests.unit.rollout.prometheus import Fake

from llmgen import pipeline
from llmgen.merge import merge_patch

WAY = [
    # step, weight of stable, weight of the canary, copies, engines of the canary: what the step after it needs
    ("shadow", 100, 0, 10, 1),
    ("weight", 95, 5, 0, 3),
    ("weight", 75, 25, 0, 10),
    ("weight", 0, 100, 0, 10),
]


def steps(rollout: Rollout, prometheus: Fake, folder: Path, count: int) -> None:
    for _ in range(count):
        done = rollout("advance", "--prometheus", prometheus.address)
        assert done.exit_code == 0, done.output
        bake(folder)


def test_every_step_writes_tracks_record_and_the_engines_of_the_next(rollout: Rollout, prometheus: Fake, folder: Path):
    for step, stable, canary, mirror, engines in WAY:
        done = rollout("advance", "--prometheus", prometheus.address)
        assert done.exit_code == 0, done.output
        entry = written(folder)
        assert entry["rollout"]["step"] == step
        assert entry["rollout"]["revision"] == "v2"
        shadow = {"shadow": {"revision": "v2", "mirrorPercent": mirror}} if mirror else {}
        assert entry["tracks"] == {
            "stable": {"revision": "v1", "weight": stable}, "canary": {"revision": "v2", "weight": canary}, **shadow,
        }  # fmt: skip
        assert entry["revisions"]["v2"]["scaling"]["minReplicas"] == engines
        assert entry.keys() == {"rollout", "tracks", "revisions"}
        bake(folder)
    refused = rollout("advance", "--prometheus", prometheus.address)
    assert refused.exit_code == 1
    assert "llmgen rollout promote" in refused.output
    promoted = rollout("promote", "--prometheus", prometheus.address)
    assert promoted.exit_code == 0
    assert "pins the sizes of both until llmgen rollout finish" in promoted.stderr
    assert written(folder)["tracks"] == {
        "stable": {"revision": "v2", "weight": 100}, "canary": None, "previous": {"revision": "v1"},
    }  # fmt: skip


def test_a_promotion_leaves_both_revisions_as_many_engines_as_they_had(
    rollout: Rollout, prometheus: Fake, folder: Path
):
    steps(rollout, prometheus, folder, 4)
    before = {name: read(folder).scaling(name)["minReplicas"] for name in ("v1", "v2")}
    rollout("promote", "--prometheus", prometheus.address)
    assert before == {"v1": 10, "v2": 10}
    assert {name: read(folder).scaling(name)["minReplicas"] for name in ("v1", "v2")} == before


def test_rolling_back_points_to_the_old_revision(rollout: Rollout, prometheus: Fake, folder: Path):
    assert rollout("rollback").exit_code == 1, "there is nothing to go back to yet"
    steps(rollout, prometheus, folder, 4)
    rollout("promote", "--prometheus", prometheus.address)
    assert rollout("rollback").exit_code == 0
    assert written(folder)["tracks"] == {
        "stable": {"revision": "v1", "weight": 100}, "canary": {"revision": "v2", "weight": 0}, "previous": None,
    }  # fmt: skip
    assert read(folder).scaling("v1")["minReplicas"] == 10
    again = rollout("advance", "--prometheus", prometheus.address)
    assert again.exit_code == 0, "what was rolled back may try again"
    assert written(folder)["rollout"]["step"] == "shadow"


def test_an_abort_sends_everything_to_stable_and_starts_over(rollout: Rollout, prometheus: Fake, folder: Path):
    steps(rollout, prometheus, folder, 3)
    assert rollout("abort", "--no-brake").exit_code == 0
    assert written(folder) == {
        "rollout": {"revision": "v2", "step": "aborted", "since": written(folder)["rollout"]["since"]},
        "tracks": {"stable": {"revision": "v1", "weight": 100}, "canary": {"revision": "v2", "weight": 0}},
    }
    assert read(folder).position() == -1


def test_an_abort_is_not_refused_for_what_is_wrong_elsewhere(rollout: Rollout, prometheus: Fake, folder: Path):
    steps(rollout, prometheus, folder, 2)
    (folder / "overrides.yaml").write_text("models: {chat: {tracks: {canary: {revision: v9}}}}\n")
    refused = rollout("advance", "--prometheus", prometheus.address)
    assert refused.exit_code == 1
    assert "overrides.yaml:1:17: error LLM503: models.chat.tracks: a rollout decides the tracks" in refused.output
    assert rollout("abort", "--no-brake").exit_code == 0


def test_nothing_that_people_override_undoes_an_abort(rollout: Rollout, prometheus: Fake, folder: Path):
    steps(rollout, prometheus, folder, 2)
    tracks = "{stable: {revision: v2, weight: 75}, canary: {revision: v1, weight: 25}, shadow: {revision: v2, mirrorPercent: 50}}"
    (folder / "overrides.yaml").write_text(f"models: {{chat: {{tracks: {tracks}}}}}\n")
    assert rollout("abort", "--no-brake").exit_code == 0
    layers = [yaml.safe_load((folder / name).read_text()) for name in pipeline.OVERLAYS]
    effective = merge_patch(layers[0], layers[1], keep_nulls=True)["models"]["chat"]["tracks"]
    assert effective == {
        "stable": {"revision": "v1", "weight": 100}, "canary": {"revision": "v2", "weight": 0},
        "shadow": {"revision": "v2", "mirrorPercent": 0},
    }  # fmt: skip


def test_a_step_keeps_the_engines_that_people_asked_for(rollout: Rollout, prometheus: Fake, folder: Path):
    overrides = folder / "overrides.yaml"
    overrides.write_text("models: {chat: {revisions: {v2: {scaling: {minReplicas: 4, maxReplicas: 5}}}}}\n")
    sizes = []
    for _ in range(3):
        steps(rollout, prometheus, folder, 1)
        sizes.append(written(folder)["revisions"]["v2"]["scaling"])
    # The maximum rises only where the step needs more engines than people allow.
    assert sizes == [{"minReplicas": 4}, {"minReplicas": 4}, {"minReplicas": 10, "maxReplicas": 10}]
    said = [problem for problem in pipeline.run(str(folder / "spec.yaml")).problems if problem.id == "LLM503"]
    assert [(problem.path[-1], problem.severity, problem.message[-8:]) for problem in said] == [
        ("minReplicas", "warning", " says 10"), ("maxReplicas", "warning", " says 10"),
    ]  # fmt: skip


def test_finishing_waits_for_the_spec_and_for_the_warm_time(rollout: Rollout, prometheus: Fake, folder: Path):
    steps(rollout, prometheus, folder, 4)
    rollout("promote", "--prometheus", prometheus.address)
    assert "the spec says stable is v1, and v2 is" in rollout("finish").output
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("{stable: v1, canary: v2}", "{stable: v2, previous: v1}"))
    assert "v1 stays warm until" in rollout("finish").output
    bake(folder, minutes=24 * 60 + 1)
    assert rollout("finish").exit_code == 0
    assert (folder / FILE).read_text().endswith("\n\n{}\n")


def test_a_step_is_the_same_bytes_again(rollout: Rollout, prometheus: Fake, folder: Path):
    first, second = (rollout("advance", "--dry-run", "--prometheus", prometheus.address).output for _ in range(2))

    def cut(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if "since" not in line)

    assert cut(first) == cut(second)
    assert not (folder / FILE).exists(), "a dry run writes nothing"


def test_other_models_keep_their_part(rollout: Rollout, prometheus: Fake, folder: Path):
    spec = folder / "spec.yaml"
    text = spec.read_text()
    chat = text[text.index("  chat:\n") : text.index("traffic:")]
    spec.write_text(text.replace(chat, chat + chat.replace("chat:", "draft:")).replace("maxNodes: 6", "maxNodes: 20"))
    assert rollout("advance", "--prometheus", prometheus.address).exit_code == 2, "which model?"
    for model in ("draft", "chat"):
        assert rollout("advance", "--model", model, "--prometheus", prometheus.address).exit_code == 0
    status = json.loads(rollout("status", "--format", "json").stdout)
    assert [(one["model"], one["step"], one["next"]) for one in status] == [
        ("chat", "shadow", "5 %"),
        ("draft", "shadow", "5 %"),
    ]


def test_a_large_first_step_is_prepared_first(rollout: Rollout, prometheus: Fake, folder: Path):
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("shadowPercent: 10", "shadowPercent: 50"))
    prometheus.answers["llm_gateway_endpoints"] = 1
    assert rollout("advance").exit_code == 0, "nobody has to be asked before engines are started"
    assert written(folder)["rollout"]["step"] == "prepare"
    assert written(folder)["revisions"]["v2"]["scaling"] == {"minReplicas": 5, "maxReplicas": 5}
    assert "ready engines: 1, want at least 5" in rollout("advance", "--prometheus", prometheus.address).output
    prometheus.answers["llm_gateway_endpoints"] = 5
    assert rollout("advance", "--prometheus", prometheus.address).exit_code == 0
    assert written(folder)["rollout"]["step"] == "shadow"


def test_a_shadow_alone_ends_with_the_shadow(rollout: Rollout, prometheus: Fake, folder: Path):
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("canary: v2", "shadow: v2"))
    assert rollout("advance", "--prometheus", prometheus.address).exit_code == 0
    assert written(folder)["tracks"]["shadow"] == {"revision": "v2", "mirrorPercent": 10}
    bake(folder)
    refused = rollout("promote", "--prometheus", prometheus.address)
    assert refused.exit_code == 1


def test_one_rollout_at_a_time(rollout: Rollout, prometheus: Fake, folder: Path):
    steps(rollout, prometheus, folder, 1)
    spec = folder / "spec.yaml"
    text = spec.read_text().replace("canary: v2", "canary: v3").replace("    tracks:", "      v3: {}\n    tracks:")
    spec.write_text(text)
    assert (
        "the spec's canary is v3, and v2 is under way" in rollout("advance", "--prometheus", prometheus.address).output
    )
    rollout("abort", "--no-brake")
    assert rollout("advance", "--prometheus", prometheus.address).exit_code == 0
    assert written(folder)["rollout"]["revision"] == "v3"


def test_what_the_pools_cannot_hold_is_refused(rollout: Rollout, prometheus: Fake, folder: Path):
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("maxNodes: 6", "maxNodes: 4"))
    plan = rollout("plan")
    assert plan.exit_code == 1
    assert "error LLM501: cluster.pools.l40s.maxNodes: chat at 25 %" in plan.output
    steps(rollout, prometheus, folder, 2)
    refused = rollout("advance", "--prometheus", prometheus.address)
    assert refused.exit_code == 1
    assert "LLM501" in refused.output
    assert written(folder)["tracks"]["canary"]["weight"] == 5


def test_a_forced_step_is_kept_with_its_reason(rollout: Rollout, prometheus: Fake, folder: Path):
    prometheus.answers["llm_gateway_endpoints"] = None
    assert rollout("advance", "--prometheus", prometheus.address).exit_code == 1
    done = rollout("advance", "--prometheus", prometheus.address, "--force", "the exporter is down")
    assert done.exit_code == 0
    note = written(folder)["rollout"]["forced"]
    assert [(one["to"], one["reason"], one["against"]) for one in note] == [
        ("shadow", "the exporter is down", ["ready engines: no data, want at least 1"])
    ]
    bake(folder)
    prometheus.answers["llm_gateway_endpoints"] = 12
    rollout("advance", "--prometheus", prometheus.address)
    assert written(folder)["rollout"]["forced"] == note, "kept through the rollout"


def test_what_is_not_its_own_is_refused(rollout: Rollout, folder: Path):
    (folder / FILE).write_text(
        "models: {chat: {limits: {queueDepth: 5}, revisions: {v2: {scaling: {minReplicas: 1}, dtype: half}}}}\n"
    )
    refused = rollout("status")
    assert refused.exit_code == 1
    assert [line.split()[3] for line in refused.output.splitlines() if "LLM502" in line] == [
        "models.chat.limits.queueDepth:", "models.chat.revisions.v2.dtype:",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["advance", "promote", "rollback", "abort"])
def test_nothing_to_do_is_said(rollout: Rollout, folder: Path, command: str):
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("{stable: v1, canary: v2}", "{stable: v1, previous: v2}"))
    refused = rollout(command, *(() if command != "abort" else ("--no-brake",)), "--model", "chat")
    if command == "rollback":
        assert refused.exit_code == 0, "v2 is previous"
    else:
        assert refused.exit_code == 1
        assert "LLM504" in refused.output


def test_the_time_is_that_of_the_step(rollout: Rollout, prometheus: Fake, folder: Path):
    before = datetime.now(UTC).replace(microsecond=0)
    rollout("advance", "--prometheus", prometheus.address)
    since = read(folder).since
    assert since is not None
    assert before <= since <= datetime.now(UTC)
    put(folder, step="weight")
    assert read(folder).position() == 0, "a record that fits no step stands on the last that is not above"
