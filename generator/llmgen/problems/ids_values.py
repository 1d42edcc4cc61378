"""LLM4xx: values that the schema accepts and that cannot work (`llmgen check`)."""

from __future__ import annotations

from llmgen.problems.ids import Kind

KINDS = (
    Kind(
        id="LLM401", name="values-track", title="A track points to no revision",
        explanation="The chart would route to a revision that it does not deploy.",
        fix="Point the track to a key of `revisions`.",
    ),
    Kind(
        id="LLM402", name="values-weights-sum", title="Track weights are not 100",
        explanation="The weights of stable and canary are percentages of the same requests.",
        fix="Make them add up to 100.",
    ),
    Kind(
        id="LLM403", name="values-replicas", title="Replica bounds contradict each other",
        explanation="No size satisfies both bounds, or an interactive model would scale to zero.",
        fix="Correct minReplicas and maxReplicas.",
    ),
    Kind(
        id="LLM404", name="values-volume", title="A volume is missing or cannot be shared",
        explanation="Weights or a cache are on a volume that `volumes` does not have, or several pods mount a single-node volume.",
        fix="Declare the volume, or use a shared one.",
    ),
    Kind(
        id="LLM405", name="values-weights", title="Weights come from several places, or none",
        explanation="Exactly one of hub, volume, image, uri says where a revision's weights are.",
        fix="Keep one; null deletes one that a lower layer set.",
    ),
    Kind(
        id="LLM406", name="values-concurrency", title="Concurrency does not fit its step",
        explanation="The engine needs at least one token per running request in each step.",
        fix="Raise maxBatchedTokens or lower maxConcurrentRequests.",
    ),
    Kind(
        id="LLM407", name="values-startup", title="The startup budget is below the expected load",
        explanation="The startup probe would kill an engine that loads as expected.",
        fix="Raise startup.budgetSeconds.",
    ),
    Kind(
        id="LLM408", name="values-flag", title="A flag is set from intent",
        explanation="The chart derives this flag from another key; two places for one number would drift.",
        fix="Use the key that is named.",
    ),
    Kind(
        id="LLM409", name="values-image", title="An image tag can move",
        explanation="The same tag may be another image tomorrow.",
        fix="A version tag, or a digest.",
    ),
    Kind(
        id="LLM410", name="values-names", title="Two objects would have one name",
        explanation="Object names join release, model and revision, and are cut at 63 characters.",
        fix="Rename a model or a revision.",
    ),
)  # fmt: skip
