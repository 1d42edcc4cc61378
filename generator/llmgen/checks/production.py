"""What an environment marked ``production`` refuses."""

from __future__ import annotations

import re

from llmgen.checks.context import Context, Resolved
from llmgen.problems import Path
from llmgen.spec.model import Image

_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_SHORTENED = re.compile(r"^[0-9a-f]{7,39}$")
_VERSION_TAG = re.compile(r"^v?[0-9]+\.[0-9]+(\.[0-9]+)?([.+_-][0-9A-Za-z.+_-]+)?$")
_MOVING = re.compile(r"(^|[._-])(latest|main|master|nightly|dev|edge|stable|head|canary)($|[._-])", re.IGNORECASE)
REQUIRED_FEATURES = {
    "shutdown_timeout": "cannot finish running requests when it is stopped (no --shutdown-timeout)",
    "max_num_queued_reqs": "cannot bound its queue (no --max-num-queued-reqs)",
}


def check(context: Context) -> None:
    """Run every rule of this family; outside production only moving image tags are mentioned."""
    for item in context.revisions():
        _image(context, (*item.path, "engine", "image"), item.revision.engine.image)
    _image(context, ("gateway", "image"), context.spec.gateway.image)
    if not context.spec.production:
        return
    for item in context.revisions():
        _weights(context, item)
        _redundancy(context, item)
    _limit_store(context)


def _image(context: Context, path: Path, image: Image) -> None:
    if image.digest or image.tag is None:
        return
    moving = bool(_MOVING.search(image.tag)) or not _VERSION_TAG.match(image.tag)
    if moving:
        context.add(
            "LLM271",
            (*path, "tag"),
            f"the tag {image.tag!r} can move to another image"
            + (" under a production release" if context.spec.production else ""),
            hint="a version tag, or better a digest",
            severity="error" if context.spec.production else "warning",
        )


def _weights(context: Context, item: Resolved) -> None:
    source = item.revision.source
    if source.hub is not None and not _COMMIT.match(source.hub.revision):
        path: Path = (*item.path, "source", "hub", "revision")
        context.add(
            "LLM272", path, _moves(context, path, source.hub.revision), hint="the 40 hexadecimal digits of a commit"
        )
    tokenizer = item.revision.tokenizer
    if tokenizer is not None and not _COMMIT.match(tokenizer.hub.revision):
        place: Path = (*item.path, "tokenizer", "hub", "revision")
        text = (
            _moves(context, place, tokenizer.hub.revision).replace("weights", "counts").replace("engines", "gateways")
        )
        context.add("LLM272", place, text, hint="the 40 hexadecimal digits of a commit")
    if source.oci is not None and "@sha256:" not in source.oci.image:
        context.add(
            "LLM272",
            (*item.path, "source", "oci", "image"),
            "the image has no digest, so the weights can change",
            hint="registry/repository@sha256:…",
        )


def _moves(context: Context, path: Path, revision: str) -> str:
    document = context.loaded.document
    if document is not None and not document.has(context.loaded.origin(path)):
        return f"no revision is given, and the branch {revision!r} moves: two engines could serve different weights"
    if _SHORTENED.match(revision):
        return f"the revision {revision!r} looks like the beginning of a commit, and only a whole one can never be another's"
    return f"the revision {revision!r} is a branch or tag, which moves: two engines could serve different weights"


def _redundancy(context: Context, item: Resolved) -> None:
    if not item.model.preemptible and item.name == item.model.tracks.stable and item.revision.scaling.min == 1:
        context.add(
            "LLM273",
            (*item.path, "scaling", "min"),
            "one engine: every node drain is an outage as long as a model load",
            severity="warning",
            hint="min: 2",
        )


def _limit_store(context: Context) -> None:
    gateway = context.spec.gateway
    if gateway.enabled and context.spec.tenants and gateway.limit_store.kind == "memory" and gateway.replicas.max > 1:
        kind: Path = ("gateway", "limitStore", "kind")
        written = context.loaded.document is not None and context.loaded.document.has(kind)
        context.add(
            "LLM274",
            kind if written else kind[:-1],
            f"limits counted in memory are shared by dividing them among up to {gateway.replicas.max} gateway pods; "
            "production needs a shared store",
            key=not written,
            rests_on=[kind],
            allowed=("redis",),
            hint="gateway.limitStore: {kind: redis, address: host:port}",
        )
