"""Secrets written as literals. They belong into Kubernetes Secrets; a spec is reviewed, copied and logged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import date

from llmgen.checks.context import Context
from llmgen.problems import Path

_SHAPES = (
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{16,}")),
    ("an API key", re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")),
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("a JSON Web Token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a password in a URL", re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@")),
)
_SECRET_NAME = re.compile(
    r"(?i)(^|[_-])(token|secret|password|passwd|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)($|[_-])"
)
_KNOWN_KEYS = (
    "",
    "changeme",
    "default",
    "password",
    "secret",
    "sk-1234",
    "test",
    "token",
    "abc123",
    "key",
    "dummy",
    "EMPTY",
    "none",
    "admin",
)
"""Keys of tutorials and examples; anybody tries them first."""


def check(context: Context) -> None:
    """Run every rule of this family."""
    document = context.loaded.document
    if document is not None:
        for path, text in _strings(document.data, ()):
            for what, shape in _SHAPES:
                if shape.search(text):
                    context.add(
                        "LLM261",
                        path,
                        f"this looks like {what}",
                        hint="put it into a Secret and refer to it (secretEnv, token, secret)",
                    )
                    break
    _environment(context)
    _known_keys(context)


def _strings(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _environment(context: Context) -> None:
    for item in context.revisions():
        for family, values in (("env", item.revision.engine.env), ("args", item.revision.engine.args)):
            for name, value in values.items():
                shaped = isinstance(value, str) and any(shape.search(value) for _, shape in _SHAPES)
                if isinstance(value, str) and value and not shaped and _SECRET_NAME.search(name):
                    context.add(
                        "LLM262", (*item.path, "engine", family, name), f"{name} takes a secret, and it is written here as a literal",
                        hint="move it to engine.secretEnv: {NAME: {name: my-secret, key: my-key}}",
                    )  # fmt: skip


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _known_keys(context: Context) -> None:
    known = {f"sha256:{hashlib.sha256(key.encode()).hexdigest()}": key for key in _KNOWN_KEYS}
    owners: dict[str, str] = {}
    for name, tenant in context.spec.tenants.items():
        for key_name, key in tenant.keys.items():
            if key.expires is not None and not _is_day(key.expires):
                where: Path = ("tenants", name, "keys", key_name, "expires")
                context.add(
                    "LLM265",
                    where,
                    f"{key.expires} is no day of the calendar",
                    hint="the last day of the month, perhaps",
                )
            if key.sha256 is None:
                continue
            path: Path = ("tenants", name, "keys", key_name, "sha256")
            if key.sha256 in known:
                context.add(
                    "LLM263",
                    path,
                    f"this is the hash of the well-known key {known[key.sha256]!r}",
                    hint="make a new one: llmgen key new",
                )
            elif key.sha256 in owners:
                context.add(
                    "LLM264",
                    path,
                    f"the same key belongs to tenant {owners[key.sha256]!r}: a caller could not be told apart",
                )
            owners.setdefault(key.sha256, name)
