"""Rollouts as text and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from llmgen.rollout.gates import span

if TYPE_CHECKING:
    from datetime import datetime

    from llmgen.rollout.gates import Gate
    from llmgen.rollout.outlook import Stage
    from llmgen.rollout.state import State

_MARKS = {"holds": "ok", "fails": "NO", "missing": "NO DATA", "few": "too few to say"}


def plan(state: State, stages: Sequence[Stage]) -> list[str]:
    """Return the plan of one model as lines. Shares are in percent; GPUs are those that run at the step's least."""
    candidate, stable = state.candidate, state.stable
    lines = [f"{state.name}: {candidate} takes over from {stable}"]
    pools = [pool.name for pool in stages[0].pools]
    head = ["", "STEP", stable, str(candidate), "COPIES", f"ENGINES {stable}", f"ENGINES {candidate}", "GPUS"]
    rows = [[*head, *(f"NODES {name}" for name in pools)]]
    for stage in stages:
        row = [
            "*" if stage.reached else "", stage.name, f"{stage.stable} %", f"{stage.canary} %", f"{stage.mirror} %",
            str(stage.stable_engines), str(stage.engines), str(stage.gpus + stage.stable_gpus),
        ]  # fmt: skip
        rows.append([*row, *(f"{pool.nodes} of {pool.most}{'' if pool.fits else ' !'}" for pool in stage.pools)])
    lines += [f"  {line}" for line in _aligned(rows)]
    rollout = state.model.rollout
    lines.append(
        f"  each step lasts {span(rollout.bake)} or longer and sees {rollout.min_requests} requests or more; "
        f"{stable} stays warm for {span(rollout.keep_previous)} after the promotion"
    )
    return lines


def status(state: State, now: datetime) -> list[str]:
    """Return where one model stands as lines."""
    record, since = state.record, state.since
    ago = "" if since is None else f" for {span((now - since).total_seconds())}"
    if not record:
        where = f"{state.candidate} is ready to begin" if state.candidate else "nothing to roll out"
    elif state.under_way:
        ahead, at = state.steps(), state.position()
        following = "promote" if at + 1 >= len(ahead) else str(ahead[at + 1])
        where = f"{record['revision']} at {ahead[at] if at >= 0 else record['step']}{ago}; next: {following}"
    else:
        where = f"{record['revision']} {record['step']}{ago}"
    lines = [f"{state.name}: {where}"]
    for track, pointer in state.tracks.items():
        share = pointer.get("mirrorPercent") if track == "shadow" else pointer.get("weight")
        lines.append(f"  {track:9}{pointer['revision']}" + ("" if share is None else f"  {share} %"))
    lines += [
        f"  forced   to {note['to']}: {note['reason']} ({'; '.join(note['against'])})"
        for note in record.get("forced") or ()
    ]
    intent = state.model.tracks.stable
    if intent != state.stable:
        lines.append(
            f"  the spec says stable is {intent}, and rollout.yaml, which wins, {state.stable}: follow it in the spec's tracks"
        )
    return lines


def gates(state: State, found: Iterable[Gate]) -> list[str]:
    """Return the gates as lines."""
    rows = [["GATE", str(state.candidate), state.stable, "WANTED", ""]]
    rows += [[gate.name, gate.canary, gate.stable, gate.limit, _MARKS[gate.verdict]] for gate in found]
    return [f"  {line}" for line in _aligned(rows)] if len(rows) > 1 else []


def as_json(item: Any) -> Any:  # noqa: ANN401 -- plain data of any shape
    """Return gates and stages as plain data."""
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        data = dataclasses.asdict(item)
        return {**data, "fits": item.fits} if hasattr(item, "fits") else data
    return [as_json(one) for one in item]


def state_json(state: State) -> dict[str, Any]:
    """Return where one model stands as plain data."""
    at, ahead = state.position(), state.steps()
    return {
        "model": state.name,
        "candidate": state.candidate,
        "tracks": dict(state.tracks),
        "record": dict(state.record),
        "step": str(ahead[at]) if at >= 0 else None,
        "next": str(ahead[at + 1]) if at + 1 < len(ahead) else "promote" if ahead and ahead[-1].weight else None,
    }


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
