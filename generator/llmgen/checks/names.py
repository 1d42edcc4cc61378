"""Names that Kubernetes cuts at 63 characters stay distinct."""

from __future__ import annotations

import hashlib

from llmgen.checks.context import Context
from llmgen.problems import Path

NAME_LIMIT = 63
"""Longest DNS label: a Service's or a label value's length (RFC 1123)."""


def check(context: Context) -> None:
    """Report object names that are equal: ``a-b`` + ``c`` and ``a`` + ``b-c`` both make ``a-b-c``."""
    release = context.spec.metadata.name
    taken = {object_name(release, "gateway"): "the gateway"} if context.spec.gateway.enabled else {}
    owners: list[tuple[str, str, Path]] = [
        (object_name(release, model), f"the Service of model {model!r}", ("models", model))
        for model in context.spec.models
    ]
    owners += [
        (
            object_name(release, item.model_name, item.name),
            f"revision {item.name!r} of model {item.model_name!r}",
            item.path,
        )
        for item in context.revisions()
    ]
    for name, owner, path in owners:
        if name in taken:
            context.add(
                "LLM214",
                path,
                f"{owner} and {taken[name]} would both be called {name!r}",
                key=True,
                hint="rename one of them",
            )
        taken.setdefault(name, owner)


def object_name(*parts: str) -> str:
    """Join ``parts`` with dashes; over 63 characters, cut and end with 8 hexadecimal digits of the whole name's SHA-256.

    The chart's ``llm-serving.fit`` does the same; a test compares the two.
    """
    name = "-".join(parts)
    if len(name) <= NAME_LIMIT:
        return name
    return f"{name[: NAME_LIMIT - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
