"""The values of one revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmgen import chart
from llmgen.plan.derivation import Derived, from_catalog, from_plan, from_spec
from llmgen.values.image import put_image
from llmgen.values.scaling import put_scaling

if TYPE_CHECKING:
    from llmgen.facts import Facts
    from llmgen.plan.budget import Budget
    from llmgen.plan.engines import EnginePlan
    from llmgen.problems import Path
    from llmgen.spec import Spec
    from llmgen.spec.cluster import Toleration
    from llmgen.spec.model import Hub, Revision
    from llmgen.values.tree import ValueTree

_STREAMER = "runai_streamer"


def put_revision(
    tree: ValueTree, spec: Spec, facts: Facts, budget: Budget, key: tuple[str, str], planned: EnginePlan
) -> None:
    """Put everything that the spec and the plan decided about one revision."""
    path: Path = ("models", key[0], "revisions", key[1])
    revision = spec.models[key[0]].revisions[key[1]]
    _image(tree, path, revision)
    _weights(tree, path, revision, planned)
    if revision.tokenizer is not None:
        _hub(tree, (*path, "tokenizer"), revision.tokenizer.hub, (*path, "tokenizer"))
    _types(tree, path, revision, planned)
    _shape(tree, path, facts, planned)
    _placement(tree, path, spec, facts, planned)
    _limits(tree, path, revision, planned)
    _startup(tree, path, planned)
    _size(tree, path, budget, key, planned)
    _host(tree, path, planned)
    version = facts.revisions[key].version
    known = frozenset(version.flags) if version is not None else frozenset()
    missing = tuple(flag for flag in chart.default_flags(spec.models[key[0]].kind) if known and flag not in known)
    _extras(tree, path, spec, revision, missing)


def _image(tree: ValueTree, path: Path, revision: Revision) -> None:
    image, target, origin = revision.engine.image, (*path, "image"), (*path, "engine", "image")
    put_image(tree, target, origin, image)
    if image.tag is None and not image.digest:
        because = f"the image of vLLM {revision.engine.version}"
        tree.put(
            (*target, "tag"),
            Derived(
                value=f"v{revision.engine.version}", because=because, origins=(from_spec(*path, "engine", "version"),)
            ),
        )


def _weights(tree: ValueTree, path: Path, revision: Revision, planned: EnginePlan) -> None:
    source, target, origin = revision.source, (*path, "weights"), (*path, "source")
    if source.hub is not None:
        _hub(tree, target, source.hub, origin)
    elif source.volume is not None:
        tree.copy((*target, "volume", "name"), source.volume.storage, (*origin, "volume", "storage"))
        tree.copy((*target, "volume", "path"), source.volume.path, (*origin, "volume", "path"))
    elif source.oci is not None:
        tree.copy((*target, "image", "reference"), source.oci.image, (*origin, "oci", "image"))
        if source.oci.path:
            tree.copy((*target, "image", "path"), source.oci.path, (*origin, "oci", "path"))
    else:
        _bucket(tree, target, origin, revision)
    strategy = planned.load.safetensors_load_strategy
    if strategy is not None:
        tree.put(
            (*path, "loadStrategy"),
            Derived(value=strategy, because=planned.load.safetensors_reason, origins=(from_spec(*origin),)),
        )


def _hub(tree: ValueTree, target: Path, hub: Hub, origin: Path) -> None:
    tree.copy((*target, "hub", "repo"), hub.repo, (*origin, "hub", "repo"))
    tree.copy((*target, "hub", "revision"), hub.revision, (*origin, "hub", "revision"))
    if hub.token is not None:
        token = {"name": hub.token.name, "key": hub.token.key}
        tree.copy((*target, "hub", "token"), token, (*origin, "hub", "token"))


def _bucket(tree: ValueTree, target: Path, origin: Path, revision: Revision) -> None:
    source = revision.source
    name, bucket = ("s3", source.s3) if source.s3 is not None else ("gcs", source.gcs)
    if bucket is None:
        return
    tree.copy((*target, "uri", "value"), bucket.uri, (*origin, name, "uri"))
    tree.put(
        (*target, "uri", "loadFormat"),
        Derived(
            value=_STREAMER,
            because="streams from object storage straight to the GPU",
            origins=(from_spec(*origin, name),),
        ),
    )
    if source.s3 is not None and source.s3.endpoint:
        tree.copy((*target, "uri", "endpoint"), source.s3.endpoint, (*origin, name, "endpoint"))
    if source.s3 is not None and source.s3.credentials:
        tree.copy((*target, "uri", "credentialsSecret"), source.s3.credentials, (*origin, name, "credentials"))


def _types(tree: ValueTree, path: Path, revision: Revision, planned: EnginePlan) -> None:
    if revision.dtype != "auto":
        tree.copy((*path, "dtype"), revision.dtype, (*path, "dtype"))
    if planned.shape.quantization is not None:
        tree.copy((*path, "quantization"), planned.shape.quantization, (*path, "quantization"))
    if revision.kv_cache_dtype != "auto":
        tree.copy((*path, "kvCacheDtype"), revision.kv_cache_dtype, (*path, "kvCacheDtype"))


def _shape(tree: ValueTree, path: Path, facts: Facts, planned: EnginePlan) -> None:
    shape = planned.shape
    gpu = facts.gpus[planned.pool]
    memory = shape.memory
    why = (
        f"pool {planned.pool}: {gpu.name} holds {memory.weights.value:.1f} GiB weights "
        f"and {memory.kv_cache_safe.value:.1f} GiB KV cache per GPU"
    )
    origins = (from_spec(*path, "gpu"), from_catalog(f"gpus.{gpu.name}.memoryGiB", gpu.memory_gib))
    tree.put((*path, "parallelism", "tensor"), Derived(value=shape.tensor_parallel, because=why, origins=origins))
    if shape.pipeline_parallel != 1:
        tree.put(
            (*path, "parallelism", "pipeline"), Derived(value=shape.pipeline_parallel, because="", origins=origins)
        )


def _placement(tree: ValueTree, path: Path, spec: Spec, facts: Facts, planned: EnginePlan) -> None:
    pool, gpu = spec.cluster.pools[planned.pool], facts.gpus[planned.pool]
    target, origin = (*path, "gpu"), ("cluster", "pools", planned.pool)
    resource = pool.resource or (gpu.mig[pool.mig].resource if pool.mig else gpu.resource)
    if resource != "nvidia.com/gpu":
        tree.copy((*target, "resource"), resource, (*origin, "resource" if pool.resource else "gpu"))
    _node_selector(tree, target, spec, facts, planned.pool)
    own = {key: _toleration(value) for key, value in pool.tolerations.items()}
    usual = chart.defaults()["engineDefaults"]["gpu"]["tolerations"]
    # Maps merge: a taint of the chart's defaults that this pool does not have is dropped with null.
    tolerations = {**{key: None for key in usual if key not in own}, **own}
    if tolerations != usual:
        tree.copy((*target, "tolerations"), tolerations, (*origin, "tolerations"))
    if pool.runtime_class_name:
        tree.copy((*target, "runtimeClassName"), pool.runtime_class_name, (*origin, "runtimeClassName"))


def node_labels(spec: Spec, facts: Facts, pool: str) -> dict[str, str]:
    """Return the labels of a pool's nodes: the spec's, else the catalogue's for this GPU and provider."""
    own = spec.cluster.pools[pool].node_selector
    if own is not None:
        return dict(own)
    labels = facts.gpus[pool].node_labels
    return dict(labels.get(spec.cluster.provider) or labels.get("generic", {}))


def _node_selector(tree: ValueTree, target: Path, spec: Spec, facts: Facts, pool: str) -> None:
    labels, gpu, provider = node_labels(spec, facts, pool), facts.gpus[pool], spec.cluster.provider
    if spec.cluster.pools[pool].node_selector is not None:
        tree.copy((*target, "nodeSelector"), labels, ("cluster", "pools", pool, "nodeSelector"))
        return
    origins = (
        from_spec("cluster", "provider"),
        from_spec("cluster", "pools", pool, "gpu"),
        from_catalog(f"gpus.{gpu.name}.nodeLabels.{provider}", labels),
    )
    because = f"the label of {gpu.name} nodes ({provider})"
    tree.put((*target, "nodeSelector"), Derived(value=labels, because=because, origins=origins))


def _toleration(toleration: Toleration) -> dict[str, str]:
    given = {"operator": toleration.operator, "value": toleration.value, "effect": toleration.effect}
    return {key: value for key, value in given.items() if value is not None}


def _limits(tree: ValueTree, path: Path, revision: Revision, planned: EnginePlan) -> None:
    engine = revision.engine
    tree.copy((*path, "gpuMemoryUtilization"), engine.gpu_memory_utilization, (*path, "engine", "gpuMemoryUtilization"))
    tree.put((*path, "maxConcurrentRequests"), planned.concurrency)
    tree.copy((*path, "maxBatchedTokens"), engine.max_batched_tokens, (*path, "engine", "maxBatchedTokens"))
    if engine.enforce_eager:
        tree.copy((*path, "enforceEager"), True, (*path, "engine", "enforceEager"))


def _startup(tree: ValueTree, path: Path, planned: EnginePlan) -> None:
    tree.put((*path, "startup", "budgetSeconds"), planned.startup_budget)
    tree.put((*path, "startup", "expectedSeconds"), planned.startup_expected)


def _size(tree: ValueTree, path: Path, budget: Budget, key: tuple[str, str], planned: EnginePlan) -> None:
    put_scaling(tree, (*path, "scaling"), planned.scaling)
    tree.put((*path, "strategy", "surge"), budget.surge(key))


def _host(tree: ValueTree, path: Path, planned: EnginePlan) -> None:
    host, gpus = planned.host, from_plan(*path, "parallelism", "tensor")
    for target, derived in (
        (("resources", "requests", "cpu"), host.cpu),
        (("resources", "requests", "memory"), host.memory),
        (("resources", "limits", "memory"), Derived(value=host.memory.value, because="")),
        (("sharedMemory", "size"), host.shared_memory),
    ):
        tree.put((*path, *target), Derived(value=derived.value, because=derived.because, origins=(gpus,)))


def _extras(tree: ValueTree, path: Path, spec: Spec, revision: Revision, missing: tuple[str, ...]) -> None:
    engine, origin = revision.engine, (*path, "engine")
    if engine.cache_storage is not None:
        tree.copy((*path, "cache", "volume"), engine.cache_storage, (*origin, "cacheStorage"))
    for flag in missing:
        because = f"vLLM {engine.version} has no such flag"
        tree.put((*path, "flags", flag), Derived(value=None, because=because, origins=(from_spec(*origin, "version"),)))
    for name, value in engine.args.items():
        tree.copy((*path, "flags", name), value, (*origin, "args", name))
    if spec.security.engine_key is not None:
        key = {"name": spec.security.engine_key.name, "key": spec.security.engine_key.key}
        tree.copy((*path, "apiKey"), key, ("security", "engineKey"))
    for name, text in engine.env.items():
        tree.copy((*path, "env", name), text, (*origin, "env", name))
    for name, reference in engine.secret_env.items():
        tree.copy(
            (*path, "secretEnv", name), {"name": reference.name, "key": reference.key}, (*origin, "secretEnv", name)
        )
