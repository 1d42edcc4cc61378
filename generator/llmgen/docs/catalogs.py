"""The pages of the catalogues: GPUs, vLLM versions, models."""

from __future__ import annotations

import dataclasses

from llmgen import catalog, listings
from llmgen.docs import markdown


def gpus_page() -> str:
    """Return docs/reference/gpus.md."""
    text = markdown.header(
        "generator/llmgen/catalog/gpus.yaml", "GPUs",
        "What is known about each GPU. GiB are what the driver reports; GB/s and TFLOP/s are decimal and dense (without sparsity). "
        "Prices are indicative, in US dollars per GPU hour: state your own with `cluster.pools.<name>.pricePerGpuHour`.",
        "`llmgen catalog gpus NAME` prints everything about one of them, with the source and date of each entry.",
    )  # fmt: skip
    rows = [{key: value for key, value in row.items() if key != "MIG"} for row in listings.overview("gpus")]
    text += "\n" + markdown.table([{**row, "gpu": markdown.code(row["gpu"])} for row in rows])
    text += "\n## Other names\n\nA spec may use any of these; case, blanks and underscores do not matter.\n\n"
    text += markdown.table(
        [
            {"gpu": markdown.code(gpu.name), "also called": ", ".join(map(markdown.code, gpu.aliases))}
            for gpu in catalog.gpus().values()
            if gpu.aliases
        ]
    )
    return text + _labels() + _mig()


def _labels() -> str:
    clouds = ("generic", "gke", "eks", "aks")
    rows = [
        {"gpu": markdown.code(gpu.name), **{cloud: _pairs(gpu.node_labels.get(cloud, {})) for cloud in clouds}}
        for gpu in catalog.gpus().values()
    ]
    about = (
        "The node selector of a pool that states none, by `cluster.provider`; `generic` where the provider has none."
    )
    return f"\n## Node labels\n\n{about}\n\n{markdown.table(rows)}"


def _pairs(labels: object) -> str:
    return " ".join(markdown.code(f"{key}={value}") for key, value in dict(labels).items()) or "-"  # type: ignore[call-overload]


def _mig() -> str:
    rows = [
        {
            "gpu": markdown.code(gpu.name), "profile": markdown.code(profile.name), "GiB": profile.memory_gib, "per GPU": profile.per_gpu,
            "compute slices": profile.compute_slices, "resource": markdown.code(profile.resource),
        }
        for gpu in catalog.gpus().values()
        for profile in gpu.mig.values()
    ]  # fmt: skip
    return f"\n## MIG profiles\n\nA pool with `mig` counts each slice as one GPU.\n\n{markdown.table(rows)}"


def vllm_page() -> str:
    """Return docs/reference/vllm.md."""
    text = markdown.header(
        "generator/llmgen/catalog/vllm/ and vllm-owned.yaml", "vLLM versions",
        "Which versions are known, what each can do, and which flags are not yours to set. "
        "`llmgen catalog vllm VERSION` prints every flag and metric of one.",
        "Production needs a version that drains and bounds its queue.",
    )  # fmt: skip
    text += "\n" + markdown.table(listings.overview("vllm"))
    text += "\n## Features\n\n" + markdown.table([_features(minor) for minor in reversed(catalog.minors())])
    text += "\n## Owned flags\n\n" + markdown.wrapped(
        "Flags that follow from the spec, with the field that decides each (`m` is a model, `r` a revision). "
        "`engine.args` may not set them."
    )
    rows = [
        {"flag": markdown.code(f"--{flag}"), "decided by": field, "what it does": catalog.describe(flag)[0] or None}
        for flag, field in catalog.owned_flags().items()
    ]
    return text + "\n\n" + markdown.table(rows)


def _features(minor: str) -> dict[str, object]:
    features = catalog.vllm(minor).features
    found: dict[str, object] = {"vllm": minor}
    for field in dataclasses.fields(features):
        value = getattr(features, field.name)
        found[field.name.replace("_", " ")] = value if isinstance(value, str) else "yes" if value else "no"
    return found


def models_page() -> str:
    """Return docs/reference/models.md."""
    text = markdown.header(
        "generator/llmgen/catalog/models.yaml", "Models",
        "Architectures that are sized without further input: `source.hub.repo` or `architecture.catalog` names one. "
        "Any other model: `architecture: {config: path/to/config.json}`.",
        "*Heads* must be divisible by the tensor parallel size. *Sized* says why a model is not.",
    )  # fmt: skip
    rows = [{**row, "model": markdown.code(row["model"])} for row in listings.overview("models")]
    return text + "\n" + markdown.table(rows)
