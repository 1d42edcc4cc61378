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
        explanation="This version renders a fixed number of engines; the minimum is below what the peak target needs.",
        fix="Raise scaling.min to the engines of the peak, or lower targets.peakConcurrentRequests.",
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
        id="LLM391", name="not-available-yet", title="Not available yet",
        explanation="The block is part of the contract and was checked. This version renders nothing for it.",
        fix="Nothing to correct; read the note to know what is not there.",
    ),
)  # fmt: skip
