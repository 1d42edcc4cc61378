"""Bundle the hand-written YAML schemas into self-contained JSON: Helm does not follow relative references."""

from __future__ import annotations

import json
import re
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
"""The YAML sources; only a repository has them, an installed package holds the bundles."""

_COMMON = "common"
_REFERENCE = re.compile(r"common\.schema\.yaml#/\$defs/([^/]+)((?:/.*)?)")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BundleError(ValueError):
    """A schema refers to something that is not there, or two definitions share a name."""


def bundle(name: str, *, folder: Path = FOLDER) -> dict[str, Any]:
    """Return ``schemas/<name>.schema.yaml`` with what it uses of ``common.schema.yaml`` copied into its ``$defs``.

    Nothing is stripped. ``$comment`` says what it was generated from. Raises FileNotFoundError, BundleError.
    """
    schema = _read(folder / f"{name}.schema.yaml")
    bundler = _Bundler(schema, folder)
    local = bundler.localised(schema)
    head = {key: local.pop(key) for key in ("$schema", "$id") if key in local}
    local.pop("$comment", None)
    definitions = {**local.pop("$defs", {}), **dict(sorted(bundler.taken.items()))}
    bundled = {**head, "$comment": source_mark(name, folder=folder), **local}
    return {**bundled, "$defs": definitions} if definitions else bundled


def bundle_text(name: str, *, folder: Path = FOLDER) -> str:
    """Return the bundle as the JSON text that is committed."""
    return json.dumps(bundle(name, folder=folder), indent=2, ensure_ascii=False) + "\n"


def source_mark(name: str, *, folder: Path = FOLDER) -> str:
    """Return the ``$comment`` of a bundle: its sources, and a digest that tells whether they have changed since."""
    files = [file for file in (folder / f"{name}.schema.yaml", folder / f"{_COMMON}.schema.yaml") if file.is_file()]
    digest = sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    return f"Generated from {' and '.join(f'schemas/{file.name}' for file in files)} ({digest}). Do not edit."


class _Bundler:
    """Copies definitions of common.schema.yaml into ``taken`` as references to them turn up."""

    def __init__(self, schema: dict[str, Any], folder: Path) -> None:
        self.taken: dict[str, Any] = {}
        self._own = schema.get("$defs", {})
        self._folder = folder

    @cached_property
    def _common(self) -> dict[str, Any]:
        definitions: dict[str, Any] = _absolute(_read(self._folder / f"{_COMMON}.schema.yaml").get("$defs", {}))
        return definitions

    def localised(self, part: Any) -> Any:  # noqa: ANN401 -- any JSON
        """Return ``part`` with every reference made local."""
        if isinstance(part, list):
            return [self.localised(item) for item in part]
        if not isinstance(part, dict):
            return part
        # A property may be called $ref too; only a text is a reference.
        return {
            key: self._local(value) if key == "$ref" and isinstance(value, str) else self.localised(value)
            for key, value in part.items()
        }

    def _local(self, reference: str) -> str:
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            if not reference.startswith("#"):
                message = f"{reference}: only references into common.schema.yaml and into the same file are bundled"
                raise BundleError(message)
            return reference
        wanted, rest = found.groups()
        if wanted in self._own:
            message = f"{wanted}: defined both here and in common.schema.yaml"
            raise BundleError(message)
        if wanted not in self.taken:
            if wanted not in self._common:
                message = f"{wanted}: not defined in common.schema.yaml"
                raise BundleError(message)
            self.taken[wanted] = True  # entered first, so that definitions which refer to each other come to an end
            self.taken[wanted] = self.localised(self._common[wanted])
        return f"#/$defs/{wanted}{rest}"


def _absolute(part: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Give references inside common.schema.yaml the name of their file."""
    if isinstance(part, list):
        return [_absolute(item) for item in part]
    if not isinstance(part, dict):
        return part
    result = {key: _absolute(value) for key, value in part.items()}
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        result["$ref"] = f"{_COMMON}.schema.yaml{reference}"
    return result


def _read(file: Path) -> dict[str, Any]:
    schema = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- a safe loader
    if not isinstance(schema, dict):
        message = f"{file.name}: a schema is a map"
        raise BundleError(message)
    return schema
