"""Revisions that a new release drops while the one before still sends them requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llmgen.problems import Path, Problem

if TYPE_CHECKING:
    from llmgen.source import Document

ALL = 100


def removed_in_use(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[tuple[Path, str]]:
    """Yield ``models.<m>.revisions.<r>`` for each revision that is gone although a track gave it requests, and by which share.

    Helm changes routes before or after it deletes engines and subsets, never together, so that requests fail in between. A whole
    model that is gone has no callers to lose.
    """
    later = (after or {}).get("models") or {}
    for name, model in ((before or {}).get("models") or {}).items():
        if not isinstance(later.get(name), dict) or not model:
            continue
        left = {revision for revision, given in (later[name].get("revisions") or {}).items() if given is not None}
        for track, pointer in (model.get("tracks") or {}).items():
            share = _share(track, pointer or {}, model["tracks"])
            if share and pointer["revision"] not in left:
                yield ("models", name, "revisions", pointer["revision"]), f"{track} {share} %"


def check(before: Mapping[str, Any] | None, after: Document) -> list[Problem]:
    """Return LLM411 for each of them, at the place that is nearest in ``after``."""
    return [
        Problem(
            id="LLM411", path=path, span=after.key_span(path[:3] if after.has(path[:3]) else path[:2]),
            message=f"revision {path[3]!r} is removed while it has requests ({share})",
            hint="move its share to another revision in one release, and remove it in the next",
        )
        for path, share in removed_in_use(before, after.data)
    ]  # fmt: skip


def _share(track: str, pointer: Mapping[str, Any], tracks: Mapping[str, Any]) -> int:
    if track == "stable":
        canary = int((tracks.get("canary") or {}).get("weight") or 0)
        return int(pointer.get("weight", ALL - canary)) if pointer else 0
    return int(pointer.get("mirrorPercent" if track == "shadow" else "weight") or 0)
