"""Schemas are found, and the generated JSON is only used while it is current."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from llmgen.bundle import bundle
from llmgen.contract import load_schema, schemas
from llmgen.contract.compile import Compiled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["serving-spec", "values"])
def test_our_schemas_compile_and_are_valid(name: str) -> None:
    schema = load_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    Compiled(schema)


def test_unknown_schema() -> None:
    with pytest.raises(FileNotFoundError):
        load_schema("nothing")


def test_stale_json_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = bundle("values")
    file = tmp_path / "values.json"
    monkeypatch.setattr(schemas, "_REPOSITORY", tmp_path)
    monkeypatch.setattr(schemas, "OUTPUTS", {"values": "values.json"})
    file.write_text(json.dumps(schema | {"title": "from JSON"}))
    load_schema.cache_clear()
    assert load_schema("values")["title"] == "from JSON"
    file.write_text(json.dumps(schema | {"title": "from JSON", "$comment": "older"}))
    load_schema.cache_clear()
    assert load_schema("values") == schema
    load_schema.cache_clear()


@pytest.mark.parametrize(("name", "folder"), [("serving-spec", "schemas"), ("values", "_data/chart")])
def test_an_installed_package_reads_its_own_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / f"{name}.schema.json").write_text('{"title": "packaged"}')
    monkeypatch.setattr(schemas, "_PACKAGE", tmp_path)
    load_schema.cache_clear()
    assert load_schema(name) == {"title": "packaged"}
    load_schema.cache_clear()
