"""Every property of the spec is described, and what it says about itself is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from tests.contract.spec_schema import PROPERTIES, SCHEMA, Property, resolve

from llmgen.cli.schema import NAMES
from llmgen.contract import load_schema
from llmgen.spec import REVISION_KEYS

SCALARS = [item for item in PROPERTIES if "object" not in item.types]
UNITLESS = {
    "models.*.quality": "a rank",
    "routing.rules.*.when.minQuality": "a rank",
    "routing.rules.*.order": "a place in a row",
    "tenants.*.priority": "a weight against others",
}


def case(item: Property) -> str:
    return item.dotted


@pytest.mark.parametrize("item", PROPERTIES, ids=case)
def test_is_described(item: Property) -> None:
    if item.place[0] == "environments" and len(item.place) > 1:
        return
    text = item.schema["description"]
    assert text.endswith((".", ")")), text
    assert len(text) > 2 * len(item.place[-1]) or " " in text, "more than the key said again"


@pytest.mark.parametrize("item", SCALARS, ids=case)
def test_scalar_has_an_example_and_a_default_or_is_required(item: Property) -> None:
    assert item.schema.get("examples")
    stated = {"default", "x-default"} & item.schema.keys()
    assert item.required or len(stated) == 1, "exactly one of default and x-default, unless required"


@pytest.mark.parametrize("item", [item for item in SCALARS if item.types & {"integer", "number"}], ids=case)
def test_number_has_a_unit(item: Property) -> None:
    assert ("x-unit" in item.schema) != (item.dotted in UNITLESS)


@pytest.mark.parametrize("item", PROPERTIES, ids=case)
def test_defaults_and_examples_are_valid(item: Property) -> None:
    validator = jsonschema.Draft202012Validator({**item.schema, "$defs": SCHEMA["$defs"]})
    for value in (*item.schema.get("examples", ()), *([item.schema["default"]] if "default" in item.schema else ())):
        assert list(validator.iter_errors(value)) == []


@pytest.mark.parametrize("item", [item for item in PROPERTIES if "pattern" in item.schema], ids=case)
def test_pattern_is_put_in_words(item: Property) -> None:
    assert item.schema.get("x-patternHint"), "a regular expression explains nothing to the person who broke it"


def test_unitless_numbers_still_exist() -> None:
    assert UNITLESS.keys() <= {item.dotted for item in PROPERTIES}


def test_every_map_is_closed() -> None:
    for item in PROPERTIES:
        if item.schema.get("properties"):
            assert item.schema.get("additionalProperties") is False, item.dotted


def test_revisions_patch_the_same_keys_everywhere() -> None:
    definitions = SCHEMA["$defs"]
    patch = definitions["model"]["properties"]["revisions"]["additionalProperties"]
    assert set(REVISION_KEYS) == set(definitions["revision"]["properties"]) == set(patch["properties"])
    for key in REVISION_KEYS:
        assert definitions["revision"]["properties"][key] == definitions["model"]["properties"][key], key


def test_environments_patch_every_block() -> None:
    patched = set(SCHEMA["properties"]["environments"]["additionalProperties"]["properties"])
    assert patched == set(SCHEMA["properties"]) - {"apiVersion", "kind", "environments"}


@pytest.mark.parametrize("name", NAMES)
def test_every_printed_schema_exists(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("name", ["serving-spec", "values"])
def test_every_reference_resolves_and_every_definition_is_used(name: str) -> None:
    schema = load_schema(name)
    by_the_loader = {"revision"} if name == "serving-spec" else set()
    assert set(_references(schema)) == set(schema["$defs"]) - by_the_loader


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for inner in part for name in _references(inner)]
    if not isinstance(part, Mapping):
        return []
    own = [part["$ref"].removeprefix("#/$defs/")] if isinstance(part.get("$ref"), str) else []
    return own + [name for inner in part.values() for name in _references(inner)]


def test_the_walk_sees_nested_properties() -> None:
    found = {item.dotted for item in PROPERTIES}
    assert {
        "models.*.gpu.pool",
        "tenants.*.keys.*.sha256",
        "models.*.source.hub.token.name",
        "models.*.scaling.warm.*.engines",
    } <= found
    assert resolve({"$ref": "#/$defs/image", "description": "mine"})["description"] == "mine"
