"""The serving spec as typed, frozen objects: what the rest of the generator works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmgen.spec.build import build
from llmgen.spec.cluster import Cluster
from llmgen.spec.defaults import fill
from llmgen.spec.model import Limits, Model, Revision, Rollout, Targets, Tracks
from llmgen.spec.policy import Gateway, Observability, Routing, Security, Tenant, Traffic

REVISION_KEYS = (
    "source",
    "tokenizer",
    "architecture",
    "dtype",
    "quantization",
    "kvCacheDtype",
    "gpu",
    "engine",
    "scaling",
)
"""Keys of a model that a revision may patch; a test holds them equal to the schema's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Identity of the release."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One environment of a serving spec, defaults filled, revisions resolved."""

    metadata: Metadata
    production: bool
    cluster: Cluster
    models: Mapping[str, Model]
    traffic: Traffic
    routing: Routing
    tenants: Mapping[str, Tenant]
    gateway: Gateway
    observability: Observability
    security: Security


def from_data(
    data: Mapping[str, Any], revisions: Mapping[tuple[str, str], Mapping[str, Any]], schema: Mapping[str, Any]
) -> Spec:
    """Build a Spec from plain data that passed the contract.

    ``revisions`` holds the merged data of each (model, revision); ``schema`` is the bundled serving-spec schema, the home of
    every default.
    """
    models = data["models"]
    own = {name: {key: model[key] for key in model if key not in REVISION_KEYS} for name, model in models.items()}
    filled = fill({**data, "models": {}}, schema)
    grouped: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in models}
    for (owner, revision), resolved in revisions.items():
        grouped[owner][revision] = resolved
    built = {name: _model(own[name], grouped[name], schema) for name in models}
    return Spec(
        metadata=build(Metadata, filled["metadata"]),
        production=filled["production"],
        cluster=build(Cluster, filled["cluster"]),
        models=built,
        traffic=build(Traffic, filled["traffic"]),
        routing=build(Routing, filled["routing"]),
        tenants={name: build(Tenant, tenant) for name, tenant in filled["tenants"].items()},
        gateway=build(Gateway, filled["gateway"]),
        observability=build(Observability, filled["observability"]),
        security=build(Security, filled["security"]),
    )


def _model(own: Mapping[str, Any], revisions: Mapping[str, Mapping[str, Any]], schema: Mapping[str, Any]) -> Model:
    filled = fill(own, schema["$defs"]["model"], schema)
    tracks = filled.get("tracks") or {"stable": next(iter(revisions), "")}
    resolved = {
        name: build(Revision, fill(data, schema["$defs"]["revision"], schema)) for name, data in revisions.items()
    }
    values = {key: value for key, value in filled.items() if key not in (*REVISION_KEYS, "revisions", "tracks")}
    model = build(_Own, values)
    return Model(
        **{name: getattr(model, name) for name in _Own.__dataclass_fields__},
        revisions=resolved,
        tracks=build(Tracks, tracks),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """The keys of a model that its revisions share."""

    kind: str
    class_: str
    quality: int
    limits: Limits
    parameters: tuple[str, ...]
    targets: Targets
    rollout: Rollout
