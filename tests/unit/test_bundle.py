"""Bundles stand alone and lose nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmgen.bundle import BundleError, bundle, bundle_text, source_mark

if TYPE_CHECKING:
    from pathlib import Path

COMMON = """\
$defs:
  name: {type: string, description: A name., pattern: "^[a-z]+$", x-patternHint: lower-case letters}
  tree: {properties: {inner: {$ref: "#/$defs/tree"}, name: {$ref: "#/$defs/name"}}}
  unused: {type: integer}
"""
MAIN = """\
$schema: https://json-schema.org/draft/2020-12/schema
title: Main
properties:
  $ref: {description: a property that is called so}
  a: {$ref: "common.schema.yaml#/$defs/tree", description: beside}
  b: {$ref: "common.schema.yaml#/$defs/name"}
  c: {$ref: "#/$defs/own"}
$defs:
  own: {type: string, examples: [x]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "common.schema.yaml").write_text(COMMON)
    (tmp_path / "main.schema.yaml").write_text(MAIN)
    return tmp_path


def test_references_become_local(folder: Path) -> None:
    schema = bundle("main", folder=folder)
    assert list(schema) == ["$schema", "$comment", "title", "properties", "$defs"]
    assert schema["properties"] == {
        "$ref": {"description": "a property that is called so"},
        "a": {"$ref": "#/$defs/tree", "description": "beside"},
        "b": {"$ref": "#/$defs/name"},
        "c": {"$ref": "#/$defs/own"},
    }
    assert list(schema["$defs"]) == ["own", "name", "tree"]
    assert schema["$defs"]["name"]["x-patternHint"] == "lower-case letters"
    assert schema["$defs"]["tree"]["properties"]["inner"] == {"$ref": "#/$defs/tree"}
    assert "common.schema.yaml#" not in json.dumps(schema)


def test_text_is_stable_and_says_its_sources(folder: Path) -> None:
    text = bundle_text("main", folder=folder)
    assert text == bundle_text("main", folder=folder)
    assert text.endswith("}\n")
    assert "Generated from schemas/main.schema.yaml and schemas/common.schema.yaml (" in text
    before = source_mark("main", folder=folder)
    (folder / "common.schema.yaml").write_text(COMMON + "\n# changed\n")
    assert source_mark("main", folder=folder) != before


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("common.schema.yaml#/$defs/gone", "gone: not defined"),
        ("other.schema.yaml#/$defs/x", "only references into common"),
        ("common.schema.yaml#/$defs/own", "own: not defined|own: defined both"),
    ],
)
def test_refused(folder: Path, reference: str, message: str) -> None:
    (folder / "main.schema.yaml").write_text(MAIN.replace("common.schema.yaml#/$defs/tree", reference))
    with pytest.raises(BundleError, match=message):
        bundle("main", folder=folder)


def test_without_common(tmp_path: Path) -> None:
    (tmp_path / "main.schema.yaml").write_text("type: object\n")
    schema = bundle("main", folder=tmp_path)
    assert schema["type"] == "object"
    assert "$defs" not in schema
