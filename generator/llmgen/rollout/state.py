"""Where the rollout of a model stands: the spec's intent, the values as layered, the record in rollout.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from llmgen.merge import merge_patch
from llmgen.pipeline import OVERLAYS, OVERRIDES, ROLLOUT
from llmgen.problems import Path, Problem, errors
from llmgen.rollout import capacity, record
from llmgen.rollout.steps import Step, steps

if TYPE_CHECKING:
    from llmgen.checks.context import Context
    from llmgen.pipeline import Outcome
    from llmgen.plan import Plan
    from llmgen.source import Document
    from llmgen.spec.model import Model

TIME = "%Y-%m-%dT%H:%M:%SZ"
TRACKS = ("stable", "canary", "shadow", "previous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One environment: its spec, its plan, its values in every layer."""

    context: Context
    plan: Plan
    file: FilePath
    written: Mapping[str, Any]
    """rollout.yaml as it is."""
    people: Mapping[str, Any]
    """Generated values with overrides.yaml over them: all that lies below rollout.yaml."""

    @property
    def name(self) -> str:
        """First part of every object's name; what the label of the release says."""
        return str(self.layered(self.written).get("fullnameOverride") or self.context.spec.metadata.name)

    @property
    def namespace(self) -> str:
        """Namespace of the release."""
        return self.context.spec.metadata.namespace

    def layered(self, rollout: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that Helm gets with ``rollout`` as rollout.yaml."""
        merged: dict[str, Any] = merge_patch(self.people, rollout, keep_nulls=True)
        return merged

    def models(self) -> tuple[str, ...]:
        """Names of the models whose rollout the spec or rollout.yaml speaks of."""
        told = self.written.get("models") or {}
        return tuple(
            name
            for name, model in self.context.spec.models.items()
            if model.tracks.canary or model.tracks.shadow or told.get(name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One model's rollout. Shares are in percent."""

    release: Release
    name: str
    model: Model
    tracks: Mapping[str, Mapping[str, Any]]
    """Tracks as Helm gets them; those that point nowhere are left out."""
    entry: Mapping[str, Any]
    """The model's part of rollout.yaml."""

    @property
    def stable(self) -> str:
        """Revision that answers."""
        return str(self.tracks["stable"]["revision"])

    @property
    def previous(self) -> str | None:
        """Revision kept warm for a rollback."""
        found = self.tracks.get("previous")
        return None if found is None else str(found["revision"])

    @property
    def record(self) -> Mapping[str, Any]:
        """What the last command noted: ``{revision, step, since}``, empty before the first."""
        return self.entry.get("rollout") or {}

    @property
    def under_way(self) -> bool:
        """Whether a rollout has begun and is neither promoted nor aborted."""
        return self.record.get("step") in {"prepare", "shadow", "weight"}

    @property
    def candidate(self) -> str | None:
        """Revision on trial: the one under way, else the spec's canary, else its shadow; None if that is stable already."""
        named = self.record.get("revision") if self.under_way else None
        found = named or self.model.tracks.canary or self.model.tracks.shadow
        return None if found == self.stable else found

    @property
    def weight(self) -> int:
        """The canary's share of the answers."""
        return int((self.tracks.get("canary") or {}).get("weight") or 0)

    @property
    def mirror(self) -> int:
        """The share of requests that is copied to the shadow."""
        return int((self.tracks.get("shadow") or {}).get("mirrorPercent") or 0)

    @property
    def since(self) -> datetime | None:
        """When the last step was reached."""
        told = self.record.get("since")
        return None if told is None else datetime.strptime(str(told), TIME).replace(tzinfo=UTC)

    def steps(self) -> tuple[Step, ...]:
        """The way of the candidate. Empty without one; only the shadow where the spec names no canary."""
        if self.candidate is None:
            return ()
        way = steps(self.model.rollout, prepare=False)
        ahead = steps(self.model.rollout, prepare=capacity.must_prepare(self, way[0])) if way else ()
        if self.candidate != self.model.tracks.canary and not self.under_way:
            return tuple(step for step in ahead if step.kind != "weight")
        return ahead

    def position(self) -> int:
        """Index of the step reached, -1 before the first."""
        if not self.under_way:
            return -1
        ahead = self.steps()
        for index, step in enumerate(ahead):
            if step.kind == self.record["step"] and (step.kind != "weight" or step.weight == self.weight):
                return index
        # The spec's steps were edited meanwhile: stand on the last that is not above where we are.
        return max((index for index, step in enumerate(ahead) if step.weight <= self.weight), default=-1)

    def given(self, revision: str) -> Mapping[str, Any]:
        """Scaling of a revision without rollout.yaml: as generated, or as people override it."""
        return _scaling(self.release.people, self.name, revision)

    def scaling(self, revision: str) -> Mapping[str, Any]:
        """Scaling of a revision as Helm gets it."""
        return _scaling(self.release.layered(self.release.written), self.name, revision)


def load(outcome: Outcome, folder: FilePath, *, strict: bool = True) -> tuple[Release | None, list[Problem]]:
    """Take a checked spec whose values lie in ``folder``; problems of its overlays are returned instead of a release.

    ``strict`` False only asks that the files can be read: an abort must not be refused for what is wrong elsewhere.
    """
    from llmgen import invariants  # noqa: PLC0415 -- parses YAML
    from llmgen.values import overlays  # noqa: PLC0415

    if outcome.context is None or outcome.plan is None or outcome.values is None:
        raise ValueError("the spec is wrong, so nothing can be rolled out")
    written, problems = record.read(folder / ROLLOUT)
    if problems:
        return None, problems
    files = [folder / name for name in OVERLAYS if (folder / name).exists()]
    above, problems = overlays.layer({}, [file for file in files if file.name == OVERRIDES])
    if strict:
        document, _ = overlays.layer(outcome.values.data, files)
        problems += [*invariants.check(document), *_overridden(above)]
    if errors(problems):
        return None, problems
    release = Release(
        context=outcome.context, plan=outcome.plan, file=folder / ROLLOUT, written=written,
        people=merge_patch(outcome.values.data, above.data or {}, keep_nulls=True),
    )  # fmt: skip
    return release, []


def _overridden(above: Document) -> Iterator[Problem]:
    """Tracks in overrides.yaml, of which the first step would keep nothing (LLM503)."""
    for name in (above.data or {}).get("models") or {}:
        path: Path = ("models", name, "tracks")
        if above.has(path):
            yield Problem(
                id="LLM503", path=path, span=above.key_span(path), message="a rollout decides the tracks, and hides these",
                hint="remove them; the spec says where tracks begin, and `llmgen rollout` moves them",
            )  # fmt: skip


def of(release: Release, name: str) -> State:
    """Return the state of one model. Raises KeyError for a model that the spec does not have."""
    model = release.context.spec.models[name]
    tracks = release.layered(release.written)["models"][name]["tracks"]
    return State(
        release=release,
        name=name,
        model=model,
        tracks={track: tracks[track] for track in TRACKS if tracks.get(track) is not None},
        entry=(release.written.get("models") or {}).get(name) or {},
    )


def _scaling(values: Mapping[str, Any], model: str, revision: str) -> Mapping[str, Any]:
    from llmgen import chart  # noqa: PLC0415 -- parses YAML

    own = (values["models"][model].get("revisions") or {}).get(revision) or {}
    return {**chart.defaults()["engineDefaults"]["scaling"], **(own.get("scaling") or {})}
