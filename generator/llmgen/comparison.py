"""What changes for users between two releases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmgen import chart
from llmgen.problems import Path, dotted
from llmgen.removals import removed_in_use

if TYPE_CHECKING:
    from llmgen.pipeline import Outcome

Effect = Literal["added", "removed", "restart", "resize", "limit", "traffic", "other"]

_NO_RESTART = ("scaling", "strategy")
"""Keys of a revision that are not part of its pods: changing them restarts nothing."""
_GATEWAY_SCALER: Path = ("gateway", "scaling", "autoscaler")
_GATEWAY_SWITCH = "; if `replicas` was rendered before, one gateway pod is left until the autoscaler looks, seconds later (helm#12650)"
_SIDE_BY_SIDE = "a new key under `revisions` is deployed beside the old one and restarts nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One release: effective values, and the price per hour at the least and at the most where the spec gives prices."""

    values: Mapping[str, Any]
    price: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: where, what it does, before and after."""

    path: str
    effect: Effect
    text: str
    before: Any = None
    after: Any = None


def of_outcome(outcome: Outcome) -> Side:
    """Take the values of a rendered spec, with prices."""
    if outcome.values is None or outcome.plan is None or outcome.context is None:
        raise ValueError("the spec is wrong, so it has no values")
    least = most = 0.0
    for planned in outcome.plan.engines.values():
        cost = planned.shape.cost_per_hour_usd
        each = 0.0 if cost is None else cost.value / max(1.0, planned.shape.replicas.value)
        least += each * planned.min_replicas.value
        most += each * planned.max_replicas.value
    return Side(values=outcome.values.data, price=(least, most))


def of_values(values: Mapping[str, Any] | None) -> Side:
    """Take a values file."""
    return Side(values=values or {})


def compare(before: Side, after: Side) -> list[Change]:
    """Return every change, models first, in the order of the new release."""
    changes: list[Change] = []
    old, new = before.values.get("models") or {}, after.values.get("models") or {}
    for name in [*new, *(gone for gone in old if gone not in new)]:
        if name not in old:
            changes.append(
                Change(path=f"models.{name}", effect="added", text=f"model {name} is new: {_engines(new[name])}")
            )
        elif name not in new:
            changes.append(
                Change(path=f"models.{name}", effect="removed", text=f"model {name} is gone: its callers get 404")
            )
        else:
            changes += _model(name, old[name] or {}, new[name] or {})
    changes += [
        Change(
            path=dotted(path),
            effect="removed",
            text=f"{path[1]}/{path[3]} has requests ({share}): they fail until all of the release has changed. Move the share first, "
            "remove the revision in the next release",
        )
        for path, share in removed_in_use(before.values, after.values)
    ]
    for key in sorted({*before.values, *after.values} - {"models"}):
        changes += [
            Change(
                path=dotted(path),
                effect="other",
                text=f"{dotted(path)}: {_show(was)} -> {_show(now)}"
                + (_GATEWAY_SWITCH if path == _GATEWAY_SCALER else ""),
                before=was,
                after=now,
            )
            for path, was, now in _leaves((key,), before.values.get(key), after.values.get(key))
        ]
    return changes


def _model(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    path: Path = ("models", name)
    revisions_before, revisions_after = old.get("revisions") or {}, new.get("revisions") or {}
    for revision in [*revisions_after, *(gone for gone in revisions_before if gone not in revisions_after)]:
        where = (*path, "revisions", revision)
        if revision not in revisions_before:
            yield Change(
                path=dotted(where),
                effect="added",
                text=f"{name}/{revision} is deployed beside the others: {_size(revisions_after[revision])}",
            )
        elif revision not in revisions_after:
            yield Change(
                path=dotted(where), effect="removed", text=f"{name}/{revision} is removed: its engines drain and stop"
            )
        else:
            yield from _revision(where, revisions_before[revision] or {}, revisions_after[revision] or {})
    for leaf, was, now in _leaves(path, {**old, "revisions": None}, {**new, "revisions": None}):
        key = str(leaf[2]) if len(leaf) > 2 else ""  # noqa: PLR2004 -- models.<name>.<key>
        pointer = key in {"tracks", "rollout"}
        effect: Effect = "traffic" if pointer else "limit" if key == "limits" else "restart"
        note = "" if pointer else "; rolls every engine of the model"
        yield Change(
            path=dotted(leaf),
            effect=effect,
            text=f"{dotted(leaf)}: {_show(was)} -> {_show(now)}{note}",
            before=was,
            after=now,
        )


def _revision(where: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    label = f"{where[1]}/{where[3]}"
    rolls = False
    for leaf, was, now in _leaves(where, old, new):
        inside = leaf[4:]
        restart = inside[0] not in _NO_RESTART
        rolls = rolls or restart
        text = f"{label} {'.'.join(str(step) for step in inside)}: {_show(was)} -> {_show(now)}"
        if inside == ("scaling", "autoscaler"):
            text += _switch(was, now)
        yield Change(path=dotted(leaf), effect="restart" if restart else "resize", text=text, before=was, after=now)
    if rolls:
        engines = new.get("scaling", {}).get("minReplicas", 1)
        yield Change(
            path=dotted(where),
            effect="restart",
            text=f"{label} is edited in place: its {engines} engines restart one by one and load again; {_SIDE_BY_SIDE}",
        )


def _switch(was: object, now: object) -> str:
    """What a change of who owns the size does to the pods that run; unset is none."""
    if now in {"none", None}:
        return "; the release takes the count over: set minReplicas to what runs now, or engines stop"
    if was not in {"none", None}:
        return "; the next one starts from what runs now"
    return (
        "; Helm takes `replicas` away, and the API server makes it 1 at once (helm#12650): all engines but one go, and come back "
        "a load later. Safe order: add a revision with the autoscaler beside this one, move the weight to it, then remove this one"
    )


def _leaves(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, Any, Any]]:  # noqa: ANN401 -- plain data of any shape
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(gone for gone in old if gone not in new)]:
            yield from _leaves((*path, key), old.get(key), new.get(key))
    elif old != new:
        yield path, old, new


def _engines(model: Mapping[str, Any] | None) -> str:
    revisions = (model or {}).get("revisions") or {}
    return ", ".join(f"{name} {_size(revision)}" for name, revision in revisions.items()) or "no revision"


def _size(revision: Mapping[str, Any] | None) -> str:
    merged = chart.defaults().get("engineDefaults", {})
    values = revision or {}
    scaling = {**merged.get("scaling", {}), **values.get("scaling", {})}
    shape = {**merged.get("parallelism", {}), **values.get("parallelism", {})}
    gpus = shape.get("tensor", 1) * shape.get("pipeline", 1)
    return f"{scaling.get('minReplicas', 1)} to {scaling.get('maxReplicas', 1)} engines of {gpus} GPUs"


def _show(value: object) -> str:
    return "(unset)" if value is None else str(value)


def as_json(change: Change) -> dict[str, Any]:
    """Return ``change`` as plain data."""
    return dataclasses.asdict(change)


def as_text(changes: list[Change], before: Side, after: Side) -> str:
    """Return the changes as lines, grouped by what they do, with GPUs and price at the end."""
    lines: list[str] = []
    titles = {
        "added": "Added",
        "removed": "Removed",
        "restart": "Restarts",
        "resize": "Sizes",
        "limit": "Limits",
        "traffic": "Traffic",
        "other": "Else",
    }
    for effect, title in titles.items():
        found = [change.text for change in changes if change.effect == effect]
        if found:
            lines += [title, *(f"  {text}" for text in found)]
    if not changes:
        lines.append("nothing changes")
    lines.append(f"GPUs   {_gpus(before)} -> {_gpus(after)} (least to most)")
    if before.price is not None and after.price is not None:
        lines.append(f"Price  {_price(before.price)} -> {_price(after.price)} per hour (least to most)")
    return "\n".join(lines)


def _gpus(side: Side) -> str:
    least = most = 0
    for model in (side.values.get("models") or {}).values():
        for revision in ((model or {}).get("revisions") or {}).values():
            scaling, shape = (revision or {}).get("scaling", {}), (revision or {}).get("parallelism", {})
            gpus = shape.get("tensor", 1) * shape.get("pipeline", 1)
            least += gpus * scaling.get("minReplicas", 1)
            most += gpus * scaling.get("maxReplicas", 1)
    return f"{least} to {most}"


def _price(price: tuple[float, float]) -> str:
    return f"{price[0]:.2f} to {price[1]:.2f}"
