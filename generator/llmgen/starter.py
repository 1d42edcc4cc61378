"""The starter spec that `llmgen init` writes."""

from __future__ import annotations

import re
from importlib.resources import files

NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
"""What a release may be called: the schema's pattern of names."""


def spec(name: str) -> str:
    """Return the text of a starter spec for the release ``name``."""
    import jinja2  # noqa: PLC0415 -- only here; prose is all it is used for

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 -- YAML, not HTML
    text = (files("llmgen") / "templates" / "spec.yaml.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(name=name)
