"""Volumes that cannot do what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping

from llmgen.checks.context import Context, Resolved
from llmgen.problems import Path
from llmgen.spec.cluster import Storage

_SINGLE_NODE = ("ReadWriteOnce", "ReadWriteOncePod")
_IMAGE_VOLUMES_SINCE = (1, 33)
"""Kubernetes minor where image volumes are on by default (KEP-4639, beta)."""


def check(context: Context) -> None:
    """Run every rule of this family."""
    for name, storage in context.spec.cluster.storage.items():
        _claim(context, ("cluster", "storage", name), storage)
    users: dict[str, list[tuple[Resolved, str]]] = {}
    for item in context.revisions():
        for storage_name, role in _volumes(item).items():
            users.setdefault(storage_name, []).append((item, role))
        _image_volume(context, item)
    for name, mounted in users.items():
        if (found := context.spec.cluster.storage.get(name)) is not None:
            _sharing(context, name, found, mounted)


def _claim(context: Context, path: Path, storage: Storage) -> None:
    given = [
        key
        for key, value in (("claim", storage.claim), ("create", storage.create), ("local", storage.local))
        if value is not None
    ]
    if len(given) != 1:
        what = "says nowhere which claim it is" if not given else f"has {' and '.join(given)}"
        context.add(
            "LLM231", path, f"the volume {what}", key=True, allowed=("claim", "create", "local"),
            hint="exactly one: an existing claim, one to create, or a local directory",
            rests_on=[(*path, key) for key in ("claim", "create", "local")],
        )  # fmt: skip
    if storage.local is not None and storage.kind != "local-nvme":
        context.add("LLM232", (*path, "kind"), f"a local directory is not {storage.kind!r}", allowed=("local-nvme",))


def _volumes(item: Resolved) -> Mapping[str, str]:
    used: dict[str, str] = {}
    if item.revision.source.volume is not None:
        used[item.revision.source.volume.storage] = "weights"
    if item.revision.engine.cache_storage is not None:
        used[item.revision.engine.cache_storage] = "cache"
    return used


def _sharing(context: Context, name: str, storage: Storage, mounted: list[tuple[Resolved, str]]) -> None:
    """A single-node volume and more than one pod: the second pod never starts (or only on the same node, by luck)."""
    path: Path = ("cluster", "storage", name, "accessMode")
    item, role = mounted[0]
    most = max((item.revision.scaling.max or item.revision.scaling.min or 1) for item, _ in mounted)
    if storage.access_mode in _SINGLE_NODE and (len(mounted) > 1 or most > 1):
        pods = (
            f"{len(mounted)} revisions"
            if len(mounted) > 1
            else f"up to {most} engines of {item.model_name}/{item.name}"
        )
        context.add(
            "LLM233", path, f"{storage.access_mode} allows one node, but {pods} mount the volume {name!r}",
            allowed=("ReadWriteMany", "ReadOnlyMany"), hint="use a shared volume, the hub, or scaling.max: 1",
        )  # fmt: skip
    if role == "cache" and storage.access_mode == "ReadOnlyMany":
        context.add(
            "LLM234",
            path,
            f"the volume {name!r} is a cache of {item.model_name}/{item.name}, which writes to it",
            allowed=("ReadWriteMany",),
        )


def _image_volume(context: Context, item: Resolved) -> None:
    version = context.spec.cluster.kubernetes_version
    if item.revision.source.oci is not None and tuple(int(part) for part in version.split(".")) < _IMAGE_VOLUMES_SINCE:
        context.add(
            "LLM235", (*item.path, "source", "oci"), f"Kubernetes {version} cannot mount an image as a volume", key=True,
            hint="Kubernetes 1.33 or later, or another source",
        )  # fmt: skip
