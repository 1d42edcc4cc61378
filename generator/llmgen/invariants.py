"""What a values file must keep and its schema cannot say. For generated values, overlays and forks alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llmgen import invariants_scaling
from llmgen.checks.names import object_name
from llmgen.problems import Path, Problem, Severity, errors, guess_hint

if TYPE_CHECKING:
    from llmgen.source import Document

_MOVING = re.compile(r"(^|[._-])(latest|main|master|nightly|dev|edge|stable|head)($|[._-])", re.IGNORECASE)
_SINGLE_NODE = ("ReadWriteOnce", "ReadWriteOncePod")
_ALL = 100


def check(document: Document, *, defaults: Mapping[str, Any] | None = None) -> list[Problem]:
    """Return every problem of the values in ``document``: the contract's (LLM1xx), then the invariants' (LLM4xx).

    ``defaults`` are the chart's own values.yaml, so that a bound that is only defaulted takes part; read from the chart when
    None.
    """
    from llmgen import chart, contract  # noqa: PLC0415 -- parses YAML
    from llmgen.mending import mended  # noqa: PLC0415

    schema = contract.load_schema("values")
    problems = contract.check(document, schema)
    touched: set[Path] = set()
    rest = document if not errors(problems) else mended(document, touched, schema)
    if rest is None:
        return problems
    checker = _Checker(rest, chart.defaults() if defaults is None else defaults)
    checker.run()
    return [*problems, *(one for one in checker.problems if not any(one.path[: len(at)] == at for at in touched))]


class _Checker:
    def __init__(self, document: Document, defaults: Mapping[str, Any]) -> None:
        self._document, self._defaults = document, defaults
        self.problems: list[Problem] = []
        self._autoscalers: set[object] = set()
        given = (document.data or {}).get("gateway") or {}
        self._gateway = bool(given.get("enabled", defaults.get("gateway", {}).get("enabled")))

    def run(self) -> None:
        data = self._document.data or {}
        names: dict[str, str] = {}
        mounts: dict[str, list[tuple[str, int]]] = {}
        of_models, of_engines = (
            _over(self._defaults.get(key, {}), data.get(key) or {}) for key in ("modelDefaults", "engineDefaults")
        )
        for model_name, own in (data.get("models") or {}).items():
            model = _over(of_models, own or {})
            if own is None or not model.get("enabled", True):
                continue
            path: Path = ("models", model_name)
            self._tracks(path, model)
            self._names(names, data, path, object_name(data.get("fullnameOverride") or "release", model_name))
            for name, patch in (model.get("revisions") or {}).items():
                if patch is None:
                    continue
                revision = _over(of_engines, patch)
                where: Path = (*path, "revisions", name)
                self._names(
                    names, data, where, object_name(data.get("fullnameOverride") or "release", model_name, name)
                )
                self._revision(where, model, revision)
                for volume, engines in self._mounted(where, revision, data):
                    mounts.setdefault(volume, []).append((f"{model_name}/{name}", engines))
        self._shared(data.get("volumes") or {}, mounts)
        self._scalers(data)

    def _add(
        self,
        id_: str,
        path: Path,
        message: str,
        *,
        allowed: tuple[str, ...] = (),
        hint: str | None = None,
        key: bool = False,
        severity: Severity = "error",
    ) -> None:
        span = self._document.key_span(path) if key else self._document.value_span(path)
        self.problems.append(
            Problem(id=id_, path=path, span=span, message=message, allowed=allowed, hint=hint, severity=severity)
        )

    def _tracks(self, path: Path, model: Mapping[str, Any]) -> None:
        revisions = tuple(name for name, revision in (model.get("revisions") or {}).items() if revision is not None)
        tracks = model.get("tracks") or {}
        for track, pointer in tracks.items():
            revision = (pointer or {}).get("revision")
            if revision is not None and revision not in revisions:
                self._add(
                    "LLM401",
                    (*path, "tracks", track, "revision"),
                    f"track {track} points to {revision!r}, which is no revision",
                    allowed=revisions,
                    hint=guess_hint(revision, revisions),
                )
        shadow, stable = tracks.get("shadow") or {}, tracks.get("stable") or {}
        if shadow.get("mirrorPercent") and shadow.get("revision") == stable.get("revision"):
            where: Path = (*path, "tracks", "shadow", "revision")
            self._add("LLM412", where, f"the shadow is {shadow['revision']!r}, whose engines answer the originals")
        canary = (tracks.get("canary") or {}).get("weight", 0)
        total = canary + stable.get("weight", _ALL - canary)  # as the chart fills it
        if total != _ALL:
            self._add("LLM402", (*path, "tracks"), f"the weights add up to {total}, not 100", key=True)

    def _names(self, taken: dict[str, str], data: Mapping[str, Any], path: Path, name: str) -> None:
        del data
        owner = ".".join(str(step) for step in path)
        if name in taken:
            self._add("LLM410", path, f"{owner} and {taken[name]} would both be called {name!r}", key=True)
        taken.setdefault(name, owner)

    def _revision(self, path: Path, model: Mapping[str, Any], revision: Mapping[str, Any]) -> None:
        scaling, startup = revision.get("scaling", {}), revision.get("startup", {})
        self._autoscalers.add(scaling.get("autoscaler"))
        least, most = scaling.get("minReplicas", 1), scaling.get("maxReplicas", 1)
        if least > most:
            self._add("LLM403", (*path, "scaling", "minReplicas"), f"minReplicas {least} is above maxReplicas {most}")
        if least == 0 and model.get("class", "interactive") == "interactive":
            self._add("LLM403", (*path, "scaling", "minReplicas"), "an interactive model cannot scale to zero")
        sources = [key for key, value in (revision.get("weights") or {}).items() if value is not None]
        if len(sources) != 1:
            said = " and ".join(sources) if sources else "nothing"
            self._add(
                "LLM405",
                (*path, "weights"),
                f"weights come from {said}",
                allowed=("hub", "volume", "image", "uri"),
                key=True,
            )
        concurrent, batched = (
            revision.get("maxConcurrentRequests", 0),
            revision.get("maxBatchedTokens") or concurrent_limit(revision),
        )
        if concurrent > batched:
            self._add(
                "LLM406",
                (*path, "maxBatchedTokens"),
                f"{batched} tokens per step cannot hold one token of each of {concurrent} requests",
            )
        budget, expected = startup.get("budgetSeconds", 0), startup.get("expectedSeconds", 0)
        if budget < expected:
            self._add(
                "LLM407",
                (*path, "startup", "budgetSeconds"),
                f"{budget} s is below the expected load of {expected} s: the probe would kill it while loading",
            )
        for id_, where, message in invariants_scaling.of_revision(path, revision, gateway=self._gateway):
            self._add(id_, where, message)
        self._flags(path, revision.get("flags") or {})
        image = revision.get("image", {})
        if not image.get("digest") and _MOVING.search(str(image.get("tag") or "")):
            self._add("LLM409", (*path, "image", "tag"), f"the tag {image['tag']!r} can move to another image")

    def _flags(self, path: Path, flags: Mapping[str, Any]) -> None:
        from llmgen import chart  # noqa: PLC0415 -- parses YAML

        for flag in flags:
            owner = chart.flag_owners().get(flag)
            if owner is not None and flags[flag] is not None:
                self._add(
                    "LLM408",
                    (*path, "flags", flag),
                    f"the chart sets {flag} from {owner}",
                    key=True,
                    hint=f"set {owner}",
                )

    def _scalers(self, data: Mapping[str, Any]) -> None:
        """Check the gateway's size, and that whoever scales has somebody to ask."""
        scaling = _over(self._defaults.get("gateway", {}), data.get("gateway") or {}).get("scaling", {})
        if self._gateway:
            for id_, where, message in invariants_scaling.of_floor(("gateway", "scaling"), scaling):
                self._add(id_, where, message)
        asks = "keda" in self._autoscalers or (self._gateway and scaling.get("autoscaler") == "keda")
        if asks and not _over(self._defaults.get("prometheus", {}), data.get("prometheus") or {}).get("address"):
            self._add("LLM423", ("prometheus", "address"), "KEDA asks Prometheus, and prometheus.address is empty")

    def _mounted(self, path: Path, revision: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
        scaling = revision.get("scaling", {})
        engines = scaling.get("minReplicas" if scaling.get("autoscaler", "none") == "none" else "maxReplicas", 1)
        engines += bool(revision.get("strategy", {}).get("surge", True))
        volumes = data.get("volumes") or {}
        weights, cache = (revision.get("weights") or {}).get("volume") or {}, revision.get("cache") or {}
        for name, where in (
            (weights.get("name"), ("weights", "volume", "name")),
            (cache.get("volume"), ("cache", "volume")),
        ):
            if not name:
                continue
            if name in volumes:
                yield name, engines
            else:
                self._add(
                    "LLM404",
                    (*path, *where),
                    f"unknown volume {name!r}",
                    allowed=tuple(volumes),
                    hint=guess_hint(name, volumes),
                )

    def _shared(self, volumes: Mapping[str, Any], mounts: Mapping[str, list[tuple[str, int]]]) -> None:
        for name, users in mounts.items():
            volume = volumes[name] or {}
            pods = sum(engines for _, engines in users)
            if volume.get("accessMode") in _SINGLE_NODE and pods > 1:
                said = ", ".join(f"{user} {engines}" for user, engines in users)
                self._add(
                    "LLM404",
                    ("volumes", name, "accessMode"),
                    f"{volume['accessMode']} allows one node, and {pods} pods may mount it at once ({said}, surge counted)",
                    allowed=("ReadWriteMany", "ReadOnlyMany"),
                )


def concurrent_limit(revision: Mapping[str, Any]) -> int:
    """Return the concurrency itself, for a revision that leaves the step size to the engine."""
    return int(revision.get("maxConcurrentRequests") or 0)


def _over(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Layer ``patch`` over ``base`` as the chart does: maps merge, everything else replaces."""
    merged = dict(base)
    for key, value in patch.items():
        below = merged.get(key)
        merged[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
