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
    Kind(
        id="LLM411", name="values-revision-removed", title="A revision is removed while it has requests",
        explanation="Its engines and its route go in one upgrade, in this order: requests fail in between, and there is no way back.",
        fix="Move its share to another revision in one release, and remove it in the next.",
    ),
    Kind(
        id="LLM412", name="values-shadow-is-stable", title="Copies go to the engines of the originals",
        explanation="A shadow is tried out beside stable. On the same revision its copies only take slots from people's requests.",
        fix="Point the shadow to a revision of its own, or set mirrorPercent: 0.",
    ),
    Kind(
        id="LLM421", name="values-scaling-target", title="The autoscaler has no target, or one it never reaches",
        explanation="A full engine runs maxConcurrentRequests and no more, and an autoscaler does nothing within a tenth of its target.",
        fix="Set scaling.inFlightTarget to at most 0.9 x maxConcurrentRequests; 0.7 x suits interactive models.",
    ),
    Kind(
        id="LLM422", name="values-scaling-zero", title="Nothing would wake a model at zero",
        explanation="Only KEDA scales from zero, and only the gateway's count of requests exists while no engine does.",
        fix="autoscaler keda, the gateway, a scaling.demandTarget and no warm windows; or minReplicas 1.",
    ),
    Kind(
        id="LLM423", name="values-scaling-prometheus", title="The autoscaler would be blind",
        explanation="KEDA asks Prometheus for every signal.",
        fix="Set prometheus.address.",
    ),
    Kind(
        id="LLM424", name="values-scaling-warm", title="A warm window cannot be kept",
        explanation="It asks for more engines than maxReplicas, or of an autoscaler that knows no clock.",
        fix="Raise maxReplicas, lower the window, or use keda.",
    ),
)  # fmt: skip
