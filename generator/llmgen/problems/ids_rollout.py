"""LLM5xx: a rollout that cannot go on as it is written."""

from __future__ import annotations

from llmgen.problems.ids import Kind

KINDS = (
    Kind(
        id="LLM501", name="rollout-capacity", title="The pools cannot hold a step of a rollout",
        explanation="Each step starts the engines that the next one needs, and stable keeps its own, so that an abort is instant. "
        "Interactive models count at their maximum, as for `render`.",
        fix="More nodes, a lower scaling.max of the stable revision, or fewer engines of the other models in the pool.",
    ),
    Kind(
        id="LLM502", name="rollout-file", title="The rollout file holds what a rollout does not write",
        explanation="`llmgen rollout` writes the file anew at every step: tracks, the record, and the number of engines. "
        "All else would be lost.",
        fix="Move it to overrides.yaml, which Helm gets as well.",
    ),
    Kind(
        id="LLM503", name="rollout-overridden", title="The overrides say what a rollout decides",
        explanation="Helm gets rollout.yaml last, so that no override undoes an abort. It hides the same keys of overrides.yaml.",
        fix="Remove it from overrides.yaml, or wait until `llmgen rollout finish`.",
    ),
    Kind(
        id="LLM504", name="rollout-candidate", title="There is nothing to roll out, or something else is under way",
        explanation="A rollout moves the model's canary, which the spec's tracks name, past its stable revision. "
        "One at a time for each model.",
        fix="Name another revision as canary in the spec, or end the rollout that is under way with `promote` or `abort`.",
    ),
)  # fmt: skip
