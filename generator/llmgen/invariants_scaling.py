"""What an autoscaler needs and could only complain about where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmgen.problems import Path

AUTOSCALERS = ("keda", "hpa")
HIGHEST = 0.9
"""Share of an engine's concurrency above which the autoscaler's own tolerance of a tenth hides that the engine is full."""

Found = tuple[str, "Path", str]
"""Id, path and message of one problem."""


def of_revision(path: Path, revision: Mapping[str, Any], *, gateway: bool) -> Iterator[Found]:
    """Find what is wrong with the scaling of one revision; ``gateway`` says whether the release has one."""
    scaling, where = revision.get("scaling", {}), (*path, "scaling")
    who, most = scaling.get("autoscaler"), scaling.get("maxReplicas", 1)
    if who not in AUTOSCALERS:
        return
    if scaling.get("minReplicas", 1) == 0:
        yield from _zero(where, scaling, gateway=gateway)
    else:
        yield from _target(where, scaling, revision.get("maxConcurrentRequests", 0))
    for name, window in (scaling.get("warm") or {}).items():
        if window is not None and window["engines"] > most:
            yield (
                "LLM424",
                (*where, "warm", name, "engines"),
                f"{window['engines']} warm engines are above maxReplicas {most}",
            )
    if who == "hpa" and any((scaling.get("warm") or {}).values()):
        yield "LLM424", (*where, "warm"), "a HorizontalPodAutoscaler knows no clock"
    yield from of_floor(where, scaling)


def of_floor(path: Path, scaling: Mapping[str, Any]) -> Iterator[Found]:
    """Find a blind floor above the maximum; ``path`` is that of the ``scaling`` block."""
    floor, most = (scaling.get("fallback") or {}).get("replicas"), scaling.get("maxReplicas", 1)
    if floor is not None and floor > most:
        yield "LLM403", (*path, "fallback", "replicas"), f"fallback.replicas {floor} is above maxReplicas {most}"


def _target(path: Path, scaling: Mapping[str, Any], concurrency: int) -> Iterator[Found]:
    target = scaling.get("inFlightTarget")
    if target is None:
        yield (
            "LLM421",
            (*path, "inFlightTarget"),
            "an autoscaler needs the requests in flight per engine that it aims at",
        )
    elif target > HIGHEST * concurrency + 1e-9:
        text = f"{target:g} in flight is above {HIGHEST:g} x maxConcurrentRequests {concurrency}, which a full engine never exceeds"
        yield "LLM421", (*path, "inFlightTarget"), text


def _zero(path: Path, scaling: Mapping[str, Any], *, gateway: bool) -> Iterator[Found]:
    if scaling.get("autoscaler") == "hpa":
        yield "LLM422", (*path, "minReplicas"), "a HorizontalPodAutoscaler cannot wake a model at zero"
    if not gateway:
        yield "LLM422", (*path, "minReplicas"), "without the gateway nothing knows that a model at zero is asked for"
    if scaling.get("demandTarget") is None:
        yield (
            "LLM422",
            (*path, "demandTarget"),
            "a model at zero follows the requests per second that one engine answers",
        )
    if any((scaling.get("warm") or {}).values()):
        yield "LLM422", (*path, "warm"), "a model that may go to zero has no warm windows"
