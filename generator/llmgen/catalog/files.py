"""The only code that opens a catalogue file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

# Beside this module, in a checkout and in a wheel alike. importlib.resources finds the same, but importing it costs as
# much as parsing a file, and llmgen is never run from a zip archive.
_FOLDER = Path(__file__).parent


@cache
def read(path: str) -> dict[str, Any]:
    """Parse ``path`` (relative to this package, for example ``vllm/0.32.yaml``) once per process.

    Raises FileNotFoundError. The result is shared: callers must not change it.
    """
    import yaml  # noqa: PLC0415 -- 10 ms that `llmgen --help` does not pay

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # no libyaml on some platforms: right, but 8x slower
    with (_FOLDER / path).open("rb") as stream:
        data: dict[str, Any] = yaml.load(stream, Loader=loader)  # noqa: S506 -- both are safe loaders
    return data


@cache
def stems(folder: str) -> tuple[str, ...]:
    """Names of the YAML files in ``folder`` without their suffix, unsorted."""
    return tuple(entry.stem for entry in (_FOLDER / folder).glob("*.yaml"))
