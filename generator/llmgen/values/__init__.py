"""Spec and plan → the values of the chart. What the spec did not decide and arithmetic did not compute stays with the chart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from llmgen.values.engine import node_labels, put_revision
from llmgen.values.gateway import put_gateway
from llmgen.values.observability import put_buckets, put_observability, put_targets, put_tracing
from llmgen.values.tree import ValueTree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmgen.facts import Facts
    from llmgen.plan import Plan
    from llmgen.plan.budget import Budget
    from llmgen.problems import Path
    from llmgen.spec import Spec
    from llmgen.spec.cluster import Storage
    from llmgen.spec.model import Model

__all__ = ["ValueTree", "build"]


def build(spec: Spec, facts: Facts, plan: Plan, budget: Budget) -> ValueTree:
    """Return the values of ``spec``; models without a plan (refused) are left out."""
    tree = ValueTree()
    _release(tree, spec)
    pools = _pools_by_volume(spec, plan)
    for name, storage in spec.cluster.storage.items():
        if name in pools:
            _volume(tree, spec, facts, (name, storage), pools[name])
    aliases: dict[str, list[str]] = {}
    for alias, target in spec.routing.aliases.items():
        aliases.setdefault(target, []).append(alias)
    for name, model in spec.models.items():
        _model(tree, name, model, aliases.get(name, ()))
        for revision in model.revisions:
            planned = plan.engines.get((name, revision))
            if planned is not None:
                put_revision(tree, spec, facts, budget, (name, revision), planned)
                path = ("models", name, "revisions", revision)
                put_buckets(tree, path, (name, model), facts.revisions[name, revision].version)
    put_gateway(tree, spec)
    put_observability(tree, spec)
    put_tracing(tree, spec)
    return tree


def _release(tree: ValueTree, spec: Spec) -> None:
    tree.copy(("fullnameOverride",), spec.metadata.name, ("metadata", "name"))
    if spec.metadata.labels:
        tree.copy(("commonLabels",), dict(spec.metadata.labels), ("metadata", "labels"))
    if spec.metadata.annotations:
        tree.copy(("commonAnnotations",), dict(spec.metadata.annotations), ("metadata", "annotations"))
    if spec.cluster.prometheus is not None:
        tree.copy(("prometheus", "address"), spec.cluster.prometheus.address, ("cluster", "prometheus", "address"))
    security = spec.security
    if security.image_registry:
        tree.copy(("global", "imageRegistry"), security.image_registry, ("security", "imageRegistry"))
    if security.image_pull_secrets:
        tree.copy(("imagePullSecrets",), list(security.image_pull_secrets), ("security", "imagePullSecrets"))
    if not security.network_policies:
        tree.copy(("networkPolicies", "enabled"), False, ("security", "networkPolicies"))
    if security.prometheus_namespace != "monitoring":
        tree.copy(
            ("networkPolicies", "prometheusNamespace"),
            security.prometheus_namespace,
            ("security", "prometheusNamespace"),
        )


def _pools_by_volume(spec: Spec, plan: Plan) -> dict[str, set[str]]:
    """Return the pools whose engines mount each volume; a claim that nobody mounts is not created."""
    found: dict[str, set[str]] = {}
    for (model, revision), planned in plan.engines.items():
        entry = spec.models[model].revisions[revision]
        mounted = {entry.engine.cache_storage, entry.source.volume.storage if entry.source.volume else None}
        for name in mounted - {None}:
            found.setdefault(str(name), set()).add(planned.pool)
    return found


def _volume(tree: ValueTree, spec: Spec, facts: Facts, volume: tuple[str, Storage], pools: set[str]) -> None:
    name, storage = volume
    path, origin = ("volumes", name), ("cluster", "storage", name)
    tree.copy((*path, "accessMode"), storage.access_mode, (*origin, "accessMode"))
    if storage.claim is not None:
        tree.copy((*path, "existingClaim"), storage.claim, (*origin, "claim"))
    if storage.create is not None:
        tree.copy((*path, "create", "size"), storage.create.size, (*origin, "create", "size"))
        if storage.create.storage_class:
            tree.copy(
                (*path, "create", "storageClass"), storage.create.storage_class, (*origin, "create", "storageClass")
            )
    if storage.local is not None:
        tree.copy((*path, "local", "path"), storage.local.path, (*origin, "local", "path"))
        tree.copy((*path, "local", "size"), storage.local.size, (*origin, "local", "size"))
        selector = storage.local.node_selector
        if selector is None:
            selector = node_labels(spec, facts, min(pools))
        tree.copy((*path, "local", "nodeSelector"), dict(selector), (*origin, "local"))


def _model(tree: ValueTree, name: str, model: Model, aliases: Iterable[str]) -> None:
    path: Path = ("models", name)
    tree.copy((*path, "class"), model.class_, (*path, "class"))
    if model.kind != "generate":
        tree.copy((*path, "kind"), model.kind, (*path, "kind"))
    tree.copy((*path, "quality"), model.quality, (*path, "quality"))
    for alias in aliases:
        tree.copy((*path, "aliases", alias), True, ("routing", "aliases", alias))
    put_targets(tree, name, model)
    limits = (*path, "limits")
    tree.copy((*limits, "maxPromptTokens"), model.limits.max_prompt_tokens, (*limits, "maxPromptTokens"))
    tree.copy((*limits, "maxCompletionTokens"), model.limits.max_completion_tokens, (*limits, "maxCompletionTokens"))
    tree.copy((*limits, "queueDepth"), model.limits.queue_depth, (*limits, "queueDepth"))
    tree.copy((*limits, "queueTimeoutSeconds"), math.ceil(model.limits.queue_timeout), (*limits, "queueTimeout"))
    tree.copy((*limits, "requestTimeoutSeconds"), round(model.limits.request_timeout), (*limits, "requestTimeout"))
    if model.limits.ttft_timeout is not None:
        tree.copy((*limits, "ttftTimeoutSeconds"), math.ceil(model.limits.ttft_timeout), (*limits, "ttftTimeout"))
    for parameter in model.parameters:
        tree.copy((*path, "parameters", parameter), True, (*path, "parameters"))
    for track in ("stable", "canary", "shadow", "previous"):
        revision = getattr(model.tracks, track)
        if revision is not None:
            tree.copy((*path, "tracks", track, "revision"), revision, (*path, "tracks", track))
