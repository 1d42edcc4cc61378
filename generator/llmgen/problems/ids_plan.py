"""LLM3xx: a spec that is right in itself, and cannot work on these GPUs; overlays that do not fit."""

from __future__ import annotations

from llmgen.problems.ids import Kind

KINDS = (
    Kind(
        id="LLM301", name="no-shape", title="No GPU shape meets the targets",
        explanation="Every pool, tensor and pipeline parallelism was tried; each one is listed with what stopped it.",
        fix="Relax the target that most shapes miss, quantize, or add a larger pool; `llmgen size` shows the numbers.",
    ),
    Kind(
        id="LLM302", name="shape-too-small", title="The fixed GPU shape cannot do it",
        explanation="The spec fixes pool and parallelism, and the plan's check of that shape failed.",
        fix="Follow the reason, or let the plan choose: `gpu: auto`.",
    ),
    Kind(
        id="LLM303", name="cannot-size", title="The architecture cannot be sized",
        explanation="The arithmetic does not know a part of the architecture. It refuses rather than guesses.",
        fix="Use an architecture that `llmgen catalog models` lists, or report the config.json.",
    ),
    Kind(
        id="LLM304", name="fixed-size-below-peak", title="Fewer engines than the peak needs",
        explanation="The most engines that can run are below what the peak target needs: scaling.max, or scaling.min where nothing scales.",
        fix="Raise it to the engines of the peak, or lower targets.peakConcurrentRequests.",
    ),
    Kind(
        id="LLM305", name="floor-below-growth", title="Too few engines run to take the promised growth",
        explanation="Until a new engine has loaded, those that run take what arrives. With fewer of them requests miss their TTFT.",
        fix="Raise scaling.min, lower targets.growthPerMinute, or load faster.",
    ),
    Kind(
        id="LLM306", name="no-autoscaler", title="Only an autoscaler would read this",
        explanation="The cluster has none that could follow queues, so the number of pods is fixed.",
        fix="Install KEDA, and say so in cluster.addons.keda and cluster.prometheus; or leave the key out.",
    ),
    Kind(
        id="LLM311", name="pool-too-small", title="A pool cannot hold its models at their most",
        explanation="Interactive models at their maximum, and every revision of a rollout, must fit the pool's nodes at once. "
        "Batch and experimental models count at their minimum, since they are preempted.",
        fix="More nodes, a lower maximum, another pool, or a preemptible class.",
    ),
    Kind(
        id="LLM312", name="node-too-small", title="An engine's CPU or memory does not fit its node",
        explanation="GPUs of the node would stay idle because CPU or memory run out first.",
        fix="Correct nodeCpu and nodeMemory, or use a larger node.",
    ),
    Kind(
        id="LLM313", name="load-too-slow", title="An engine would load for more than a day",
        explanation="The load budget, which is mostly weights divided by the storage's rate, "
        "is above the longest that a startup probe may wait.",
        fix="Measure the storage's rate again (readMBps is in MB/s), or use a faster one.",
    ),
    Kind(
        id="LLM314", name="no-tracing-packages", title="The engine's image cannot send traces",
        explanation="Up to 0.16 vLLM's image comes without the OpenTelemetry packages. Told to send traces it ends at start.",
        fix="Use vLLM 0.17 or later, an image with opentelemetry-sdk, opentelemetry-exporter-otlp and "
        "opentelemetry-semantic-conventions-ai, or leave observability.otlpEndpoint out.",
    ),
    Kind(
        id="LLM391", name="not-available-yet", title="Not available yet",
        explanation="The block is part of the contract and was checked. This version renders nothing for it.",
        fix="Nothing to correct; read the note to know what is not there.",
    ),
)  # fmt: skip
