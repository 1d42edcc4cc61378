"""The times that ``llmgen size`` shows are the ones the chart renders."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from llmgen import sizes

GOLDEN = Path(__file__).parents[2] / "golden"
# Goldens without overlays or environments beside the spec: there the rendered numbers are the plan's own.
PLAIN = sorted(
    folder
    for folder in GOLDEN.iterdir()
    if (folder / "spec.yaml").is_file()
    and not any((folder / name).exists() for name in ("overrides.yaml", "rollout.yaml"))
)


def _rendered(folder: Path) -> set[tuple[int, int, int, int]]:
    """(progress deadline, ready timeout, startup probe, Helm's timeout) of every engine."""
    found = set()
    for item in yaml.safe_load_all((folder / "manifests.yaml").read_text(encoding="utf-8")):
        if item and item["kind"] == "Deployment":
            for box in item["spec"]["template"]["spec"]["containers"]:
                env = {entry["name"]: entry.get("value") for entry in box.get("env", ())}
                if "VLLM_ENGINE_READY_TIMEOUT_S" in env:
                    probe = box["startupProbe"]
                    found.add(
                        (
                            item["spec"]["progressDeadlineSeconds"],
                            int(env["VLLM_ENGINE_READY_TIMEOUT_S"]),
                            probe["periodSeconds"] * probe["failureThreshold"],
                            int(item["metadata"]["annotations"]["llmgen.dev/helm-timeout-seconds"]),
                        )
                    )
    return found


@pytest.mark.parametrize("folder", PLAIN, ids=lambda folder: folder.name)
def test_shown_times_are_the_rendered_ones(folder: Path):
    rendered = _rendered(folder)
    shown = {
        (
            item.times.progress_deadline,
            item.times.engine_ready_timeout,
            item.times.startup_probe,
            item.times.helm_timeout,
        )
        for item in sizes.of_spec(str(folder / "spec.yaml"), None)[0]
        if item.times is not None
    }
    assert rendered
    assert rendered == shown


def test_helm_waits_longer_than_every_engine_in_turn():
    (item, *_), _ = sizes.of_spec(str(GOLDEN / "minimal/spec.yaml"), None)
    assert item.times is not None
    assert item.times.helm_timeout > item.times.progress_deadline
