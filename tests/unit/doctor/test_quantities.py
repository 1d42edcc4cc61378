from __future__ import annotations

import pytest

from llmgen.doctor.quantities import of_pod, quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("4", 4), ("1Gi", 2**30), ("1e3", 1000), ("2E", 2e18), (3, 3), ("100n", 1e-7), ("1.5G", 1.5e9)],
)
def test_quantity(text: object, number: float) -> None:
    assert quantity(text) == pytest.approx(number)


def test_not_a_quantity() -> None:
    with pytest.raises(ValueError, match="not a quantity: 'many'"):
        quantity("many")


def box(cpu: str, **more: str) -> dict[str, object]:
    return {"resources": {"requests": {"cpu": cpu}}, **more}


def test_a_pod_asks_for_the_larger_of_its_start_and_its_life() -> None:
    pod = {"containers": [box("1"), box("2")], "initContainers": [box("5")], "overhead": {"cpu": "250m"}}
    assert of_pod(pod) == {"cpu": 5.25}
    assert of_pod({"containers": [box("1"), box("2")], "initContainers": [box("1")]}) == {"cpu": 3}


def test_a_sidecar_counts_beside_everything() -> None:
    pod = {"containers": [box("1")], "initContainers": [box("1", restartPolicy="Always"), box("3")]}
    assert of_pod(pod) == {"cpu": 4}, "the second init container runs beside the sidecar"


def test_a_limit_without_a_request_is_a_request() -> None:
    assert of_pod({"containers": [{"resources": {"limits": {"nvidia.com/gpu": "2"}}}]}) == {"nvidia.com/gpu": 2}
    assert of_pod({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, "limits") == {"cpu": 2}
