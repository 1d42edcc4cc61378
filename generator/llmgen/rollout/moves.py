"""What each command writes: the model's part of rollout.yaml. Pure functions of a state and a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llmgen.rollout import capacity
from llmgen.rollout.state import TIME
from llmgen.rollout.steps import ALL

if TYPE_CHECKING:
    from llmgen.rollout.state import State

Entry = dict[str, Any]


def advance(state: State, index: int, now: datetime) -> Entry:
    """Stand on step ``index``: its shares, and the engines that the step after it needs."""
    ahead, candidate = state.steps(), str(state.candidate)
    step = ahead[index]
    return {
        "rollout": _note(candidate, step.kind, now, _forced(state)),
        "tracks": {
            "stable": {"revision": state.stable, "weight": ALL - step.weight},
            "canary": {"revision": candidate, "weight": step.weight},
            **_shadow(state, candidate, step.mirror),
            **_kept(state, "previous"),
        },
        "revisions": {
            candidate: {"scaling": capacity.bounds(state.given(candidate), capacity.for_step(state, ahead, index))}
        },
    }


def abort(state: State, now: datetime) -> Entry:
    """Send everything to stable; the canary's engines go back to what the values have."""
    candidate = str(state.candidate)
    return {
        "rollout": _note(candidate, "aborted", now),
        "tracks": {
            "stable": {"revision": state.stable, "weight": ALL},
            "canary": {"revision": candidate, "weight": 0},
            **_shadow(state, candidate, 0),
            **_kept(state, "previous"),
        },
    }


def promote(state: State, now: datetime) -> Entry:
    """Make the canary stable, and the old stable previous. Both keep the engines they have, whatever the spec says meanwhile."""
    candidate, old = str(state.candidate), state.stable
    least = capacity.needed(state, ALL)
    return {
        "rollout": _note(candidate, "promoted", now, _forced(state)),
        "tracks": {
            "stable": {"revision": candidate, "weight": ALL},
            "canary": None,
            **_shadow(state, candidate, None),
            "previous": {"revision": old},
        },
        "revisions": {
            candidate: {"scaling": _kept_size(state, candidate, least)},
            old: {"scaling": _kept_size(state, old)},
        },
    }


def rollback(state: State, now: datetime) -> Entry:
    """Make the previous revision stable again; the one that was promoted stays as a canary without traffic."""
    previous, bad = str(state.previous), state.stable
    return {
        "rollout": _note(bad, "rolled-back", now),
        "tracks": {
            "stable": {"revision": previous, "weight": ALL},
            "canary": {"revision": bad, "weight": 0},
            **_shadow(state, bad, None),
            "previous": None,
        },
        "revisions": {previous: {"scaling": _kept_size(state, previous)}},
    }


def put(written: Mapping[str, Any], model: str, entry: Entry | None) -> dict[str, Any]:
    """Return rollout.yaml with the part of one model replaced, or dropped; the others stay as they are."""
    models = {name: part for name, part in (written.get("models") or {}).items() if name != model}
    if entry is not None:
        models[model] = entry
    return {"models": dict(sorted(models.items()))} if models else {}


def forced(entry: Entry, *, to: str, reason: str, against: tuple[str, ...], now: datetime) -> Entry:
    """Note in ``entry`` that a step was taken against ``against``, and why."""
    note = {"at": now.strftime(TIME), "to": to, "reason": reason, "against": list(against)}
    record = entry["rollout"]
    return {**entry, "rollout": {**record, "forced": [*(record.get("forced") or ()), note]}}


def _note(revision: str, step: str, now: datetime, forced: list[Any] | None = None) -> dict[str, Any]:
    note: dict[str, Any] = {"revision": revision, "step": step, "since": now.strftime(TIME)}
    return {**note, "forced": forced} if forced else note


def _forced(state: State) -> list[Any] | None:
    """What was forced earlier in the same rollout."""
    return list(state.record.get("forced") or ()) if state.under_way else None


def _kept(state: State, track: str) -> Entry:
    """A pointer that rollout.yaml holds already, and that must not be lost."""
    tracks = state.entry.get("tracks") or {}
    return {track: tracks[track]} if track in tracks else {}


def _shadow(state: State, candidate: str, mirror: int | None) -> Entry:
    """The shadow's pointer while it is the candidate's; a shadow of another revision is not ours. ``mirror`` None removes it."""
    below = (state.release.people["models"][state.name]["tracks"].get("shadow") or {}).get("revision")
    if mirror:
        return {"shadow": {"revision": candidate, "mirrorPercent": mirror}}
    if below != candidate:
        return {}
    return {"shadow": None if mirror is None else {"revision": candidate, "mirrorPercent": 0}}


def _kept_size(state: State, revision: str, least: int = 0) -> dict[str, int]:
    given = state.scaling(revision)
    size = max(int(given["minReplicas"]), least)
    return {"minReplicas": size, "maxReplicas": max(int(given["maxReplicas"]), size)}
