from __future__ import annotations

from tests.unit.doctor.conftest import HERE

from llmgen.doctor.release import read


def test_replicas_are_those_of_the_scaler() -> None:
    text = (HERE / "manifests.yaml").read_text()
    engine, gateway = read(text, name="assistant", namespace="serving").workloads()
    assert (engine.least, engine.most, engine.revision) == (2, 4, ("chat", "v1"))
    assert (gateway.least, gateway.most, gateway.revision) == (2, 2, None)


def test_what_is_preemptible_counts_at_its_least() -> None:
    text = (HERE / "manifests.yaml").read_text().replace("class: interactive", "class: batch")
    engine, _ = read(text, name="assistant", namespace="serving").workloads()
    assert (engine.least, engine.most) == (2, 2)
