"""Every catalogue file against schemas/catalog.schema.yaml, and the schema against itself."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
CATALOG = ROOT / "generator" / "llmgen" / "catalog"
SCHEMA = yaml.safe_load((ROOT / "schemas" / "catalog.schema.yaml").read_text(encoding="utf-8"))
KINDS = {"gpus": "gpus", "models": "models", "vllm-owned": "vllmOwned", "vllm-notes": "vllmNotes"}
FILES = sorted(path.relative_to(CATALOG).as_posix() for path in CATALOG.rglob("*.yaml"))


def errors(kind: str, data: object) -> list[str]:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]


def kind_of(file: str) -> str:
    return "vllm" if file.startswith("vllm/") else KINDS[file.removesuffix(".yaml")]


def load(file: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load((CATALOG / file).read_bytes(), Loader=yaml.CSafeLoader)
    return data


def test_the_schema_is_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", FILES)
def test_every_file_fits_its_schema(file: str):
    assert errors(kind_of(file), load(file)) == []


@pytest.mark.parametrize("file", FILES)
def test_no_key_is_written_twice(file: str):
    # PyYAML silently lets the last one win.
    def walk(node: yaml.Node) -> Iterator[str]:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            yield from {key for key in keys if keys.count(key) > 1}
            for _, value in node.value:
                yield from walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                yield from walk(value)

    assert list(walk(yaml.compose((CATALOG / file).read_bytes(), Loader=yaml.CSafeLoader))) == []


@pytest.mark.parametrize("file", ["gpus.yaml", "vllm/0.32.yaml", "vllm-owned.yaml", "vllm-notes.yaml"])
def test_a_misspelt_key_is_refused_in_every_closed_object(file: str):
    def objects(node: object, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if isinstance(node, dict):
            if schema.get("additionalProperties") is False:
                yield node
            extra = schema.get("additionalProperties")
            for key, value in node.items():
                below = schema.get("properties", {}).get(key, extra)
                if isinstance(below, dict):
                    yield from objects(value, below)

    data = load(file)
    closed = list(objects(data, {"$ref": f"#/$defs/{kind_of(file)}"}))
    assert closed
    seen: set[tuple[str, ...]] = set()
    for item in closed:
        shape = tuple(sorted(item))
        if shape in seen:  # one of each shape is enough
            continue
        seen.add(shape)
        item["misspelt"] = 1
        assert errors(kind_of(file), data), f"accepted beside {shape}"
        del item["misspelt"]


def test_every_property_is_described():
    def walk(node: object, path: str) -> Iterator[str]:
        if isinstance(node, dict):
            for name, below in (node.get("properties") or {}).items():
                # A property of an if/then/else says nothing to a reader.
                if isinstance(below, dict) and "if" not in path and "then" not in path and "else" not in path:
                    target = SCHEMA["$defs"].get(below.get("$ref", "").rpartition("/")[2], {})
                    if "description" not in below and "description" not in target:
                        yield f"{path}.{name}"
            for key, below in node.items():
                yield from walk(below, f"{path}.{key}")

    assert list(walk(SCHEMA["$defs"], "$defs")) == []


def test_a_card_without_bfloat16_must_state_its_float16_rate():
    data = copy.deepcopy(load("gpus.yaml"))
    del data["gpus"]["T4-16GB"]["fp16Tflops"]
    assert errors("gpus", data)


def test_a_choice_must_list_its_choices():
    data = copy.deepcopy(load("vllm/0.32.yaml"))
    del data["flags"]["dtype"]["choices"]
    assert errors("vllm", data)
