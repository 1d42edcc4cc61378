"""The values of how many pods there are: of a revision, and of the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmgen.plan import scaling as plan

if TYPE_CHECKING:
    from llmgen.plan.derivation import Derived
    from llmgen.plan.scaling import Scaling
    from llmgen.problems import Path
    from llmgen.spec import Spec
    from llmgen.values.tree import ValueTree


def put_scaling(tree: ValueTree, path: Path, scaling: Scaling) -> None:
    """Put who scales one revision between which bounds, and what it follows. ``path`` is that of its ``scaling``."""
    if scaling.autoscaler.value != "none":
        tree.put((*path, "autoscaler"), scaling.autoscaler)
    given: tuple[tuple[Path, Derived | None], ...] = (
        (("minReplicas",), scaling.least),
        (("maxReplicas",), scaling.most),
        (("inFlightTarget",), scaling.in_flight),
        (("kvCacheTarget",), scaling.kv_cache),
        (("ttftTarget",), scaling.ttft),
        (("demandTarget",), scaling.demand),
        (("idleSeconds",), scaling.idle),
        (("scaleUp", "pods"), scaling.up_pods),
        (("scaleDown", "stabilizationSeconds"), scaling.down_window),
        (("scaleDown", "pods"), scaling.down_pods),
        (("fallback", "afterSeconds"), scaling.fallback_after),
        (("fallback", "replicas"), scaling.fallback_replicas),
    )
    for keys, derived in given:
        if derived is not None:
            tree.put((*path, *keys), derived)
    for name, window in scaling.warm.items():
        entry = {"timezone": window.timezone, "start": window.start, "end": window.end, "engines": window.engines}
        tree.copy((*path, "warm", name), entry, (*path, "warm", name))


def put_gateway_scaling(tree: ValueTree, spec: Spec) -> None:
    """Put the size of the gateway; an autoscaler where the spec gives it room and the cluster has one."""
    replicas, path = spec.gateway.replicas, ("gateway", "scaling")
    who = plan.autoscaler(spec)
    if replicas.max > replicas.min and who.value != "none":
        tree.put((*path, "autoscaler"), who)
    tree.copy((*path, "minReplicas"), replicas.min, ("gateway", "replicas", "min"))
    tree.copy((*path, "maxReplicas"), replicas.max, ("gateway", "replicas", "max"))
