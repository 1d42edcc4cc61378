"""Volumes that only one node may mount, and how many engines the plan puts on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.plan import Plan
    from llmgen.spec import Spec

SINGLE_NODE = ("ReadWriteOnce", "ReadWriteOncePod")


def single_node(spec: Spec, model: str, revision: str) -> Iterator[str]:
    """Go through the single-node volumes that a revision mounts."""
    entry = spec.models[model].revisions[revision]
    mounted = (entry.source.volume.storage if entry.source.volume else None, entry.engine.cache_storage)
    for name in dict.fromkeys(mounted):
        volume = spec.cluster.storage.get(name) if name else None
        if name and volume is not None and volume.access_mode in SINGLE_NODE:
            yield name


def check(context: Context, plan: Plan) -> None:
    """Report single-node volumes for which the plan has more than one engine (LLM233)."""
    users: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (model, revision), planned in plan.engines.items():
        for name in single_node(context.spec, model, revision):
            users[name].append((f"{model}/{revision}", int(planned.max_replicas.value)))
    for name, mounted in users.items():
        if sum(engines for _, engines in mounted) > 1:
            said = ", ".join(f"{user} {engines}" for user, engines in mounted)
            mode = context.spec.cluster.storage[name].access_mode
            context.add(
                "LLM233", ("cluster", "storage", name, "accessMode"),
                f"{mode} allows one node, and the plan has more than one engine on the volume {name!r} ({said})",
                allowed=("ReadWriteMany", "ReadOnlyMany"), hint="use a shared volume, the hub, or scaling.max: 1",
            )  # fmt: skip
