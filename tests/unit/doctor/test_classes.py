from __future__ import annotations

from typing import Any

import pytest
from tests.unit.doctor.conftest import Examine, FakeApi, only

NAME = "serving-assistant-interactive"
CLASS = f"/apis/scheduling.k8s.io/v1/priorityclasses/{NAME}"
OURS = {"meta.helm.sh/release-name": "assistant", "meta.helm.sh/release-namespace": "serving"}


@pytest.mark.parametrize(
    ("value", "annotations", "level", "message"),
    [
        (100000, OURS, "ok", "this release's own, value 100000"),
        (5, OURS, "fail", "it exists with value 5, the release brings 100000"),
        (100000, {**OURS, "meta.helm.sh/release-name": "x"}, "fail", "it exists and belongs to release x in serving"),
        (100000, {}, "fail", "it exists and belongs to nobody's release"),
    ],
)
def test_a_priority_class_that_exists(
    api: FakeApi, examine: Examine, value: int, annotations: dict[str, str], level: str, message: str
) -> None:
    item: dict[str, Any] = {"value": value, "preemptionPolicy": "PreemptLowerPriority"}
    api.put(CLASS, item, annotations=annotations)
    found = only(examine(), "priority-class")
    assert (found.level, found.message) == (level, message)


def test_classes_that_are_only_named(api: FakeApi, examine: Examine) -> None:
    assert only(examine(without="PriorityClass"), "priority-class", NAME).level == "fail"
    api.put(CLASS, {"value": 1})
    assert only(examine(without="PriorityClass"), "priority-class", NAME).level == "ok"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {runtimeClassName: nvidia, containers: []}\n"
    assert only(examine(pod), "runtime-class", "nvidia").message == "there is no RuntimeClass nvidia"
    api.put("/apis/node.k8s.io/v1/runtimeclasses/nvidia")
    assert only(examine(pod), "runtime-class", "nvidia").level == "ok"
