"""The packaged schema: closed to the last object, described to the last property, and covered by the ci files."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.chart.conftest import CASES, CI, Helm, ci_values, load
from tests.chart.schemas import Path, described, generic, resolve, walk


def at(values: dict[str, Any], path: Path) -> Any:
    for key in path:
        values = values[key]
    return values


def with_key(values: dict[str, Any], path: Path, key: Any, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    at(changed, path)[key] = value
    return changed


def misspelt(node: dict[str, Any]) -> str:
    return next(iter(node["properties"])) + "x"


def closed(node: dict[str, Any]) -> bool:
    return node.get("additionalProperties") is False


def places(schema: dict[str, Any]) -> dict[Path, tuple[str, Path, dict[str, Any]]]:
    """Return every closed object of the schema as (case, path in its values, node), keyed by its generic path."""
    found: dict[Path, tuple[str, Path, dict[str, Any]]] = {}
    for case in CASES:
        values = ci_values(case)
        for path, node, value in walk(schema, schema, values):
            if isinstance(value, dict) and closed(node):
                found.setdefault(generic(schema, path), (case, path, node))
    return found


def declared_objects(schema: dict[str, Any]) -> set[Path]:
    """Return every closed object that the schema declares."""
    found = {()}
    for path, node in described(schema, schema):
        if closed(node):
            found.add(path)
        other = node.get("additionalProperties")
        if isinstance(other, dict) and closed(resolve(schema, other)):
            found.add((*path, "*"))
    return found


def test_it_is_a_valid_schema(schema: dict[str, Any]):
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("case", CASES)
def test_the_ci_values_are_accepted(schema: dict[str, Any], case: str):
    assert not [error.message for error in Draft202012Validator(schema).iter_errors(ci_values(case))]


def test_the_ci_values_reach_every_closed_object(schema: dict[str, Any]):
    # modelDefaults and engineDefaults are the same nodes as models.* and models.*.revisions.*
    wanted = {path for path in declared_objects(schema) if path[:1] not in (("modelDefaults",), ("engineDefaults",))}
    assert wanted <= set(places(schema))
    assert len(wanted) > 40


def test_every_closed_object_refuses_a_misspelt_key(schema: dict[str, Any]):
    validator = Draft202012Validator(schema)
    accepted = []
    for case, path, node in places(schema).values():
        wrong = misspelt(node)
        errors = list(validator.iter_errors(with_key(ci_values(case), path, wrong, None)))
        if not any(tuple(error.absolute_path) == path and wrong in error.message for error in errors):
            accepted.append(path)
    assert not accepted


def test_every_scalar_refuses_another_type(schema: dict[str, Any]):
    validator = Draft202012Validator(schema)
    accepted = []
    for case in CASES:
        values = ci_values(case)
        for path, node, value in walk(schema, schema, values):
            if (
                path
                and not isinstance(value, dict | list)
                and "x-escape-hatch" not in node
                and path[-2:-1] != ("flags",)
            ):
                wrong: Any = [] if not isinstance(value, bool) else "yes"
                if not list(validator.iter_errors(with_key(values, path[:-1], path[-1], wrong))):
                    accepted.append((case, path))
    assert not accepted


def test_every_open_object_is_a_named_hatch_or_owned_by_kubernetes(schema: dict[str, Any]):
    open_objects = {
        path
        for path, node in described(schema, schema)
        if "object" in node.get("type", []) and node.get("additionalProperties", True) is True
    }
    unnamed = {path for path in open_objects if not ({"x-escape-hatch", "x-kubernetes"} & set(at_node(schema, path)))}
    assert not unnamed


def at_node(schema: dict[str, Any], path: Path) -> dict[str, Any]:
    return next(node for found, node in described(schema, schema) if found == path)


def test_every_property_is_described(schema: dict[str, Any]):
    assert not [
        path for path, node in described(schema, schema) if not node.get("description", "").endswith((".", ")"))
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("models", "chat", "limits", "maxPromptTokens"), 0),
        (("models", "chat", "revisions", "v1", "startup"), {"budgetSeconds": 1.5}),
        (("models", "chat", "class"), "urgent"),
        (("models", "Chat"), {}),
        (("models", "chat", "revisions", "v1", "sharedMemory"), {"size": "10GB"}),
        (("models", "chat", "revisions", "v1", "weights"), {"volume": {"name": "a", "path": "../etc"}}),
        (("models", "chat", "revisions", "v1", "weights"), {"volume": {"name": "a", "path": "/etc"}}),
        (("models", "chat", "revisions", "v1", "image"), {"digest": "sha256:abc"}),
        (("models", "chat", "revisions", "v1", "env"), {"A": 1}),
        (("volumes",), {"w": {"local": {"path": "/a", "size": "1Gi"}}}),
        (("models", "x"), {"limits": {}}),
        (("modelDefaults",), {"revisions": {}}),
        (("modelDefaults",), {"tracks": {}}),
    ],
)
def test_bad_values_are_refused(schema: dict[str, Any], path: Path, value: Any):
    assert list(Draft202012Validator(schema).iter_errors(with_key(ci_values("minimal"), path[:-1], path[-1], value)))


# What Python's validator refuses, Helm's must refuse as well: one sample of every depth through both.
SAMPLE = [
    ((), "modles"),
    (("models", "chat"), "limit"),
    (("models", "chat", "limits"), "maxPromptToken"),
    (("models", "chat", "tracks"), "stabel"),
    (("models", "chat", "revisions", "v1"), "shmSize"),
    (("models", "chat", "revisions", "v1", "weights", "hub"), "rev"),
]


@pytest.mark.parametrize(("path", "key"), SAMPLE, ids=lambda part: ".".join(part) if isinstance(part, tuple) else part)
def test_helm_refuses_the_packaged_chart_with_a_misspelt_key(helm: Helm, helm4: Helm, path: Path, key: str):
    values = with_key(ci_values("minimal"), path, key, "x")
    for version in (helm, helm4):
        done = version.attempt(values=values)
        assert done.returncode != 0
        assert f"'{key}'" in done.stderr


def test_values_and_schema_declare_the_same_keys(schema: dict[str, Any], members: dict[str, bytes]):
    defaults = load(members["values.yaml"].decode())
    present = {generic(schema, path) for path, _, _ in walk(schema, schema, defaults) if path}
    # Where a default is an empty map keyed by name, or none at all, only the schema can say what is below.
    unset = {
        ("volumes",),
        ("models",),
        ("modelDefaults", "tracks"),
        ("modelDefaults", "rollout"),
        ("modelDefaults", "revisions"),
        ("engineDefaults", "weights"),
        ("engineDefaults", "tokenizer", "hub"),
    }
    wanted = {
        path
        for path, _ in described(schema, schema)
        if "*" not in path and not any(path[: len(top)] == top for top in unset)
    }
    wanted -= {("modelDefaults", "limits", "maxPromptTokens"), ("modelDefaults", "limits", "maxCompletionTokens")}
    assert wanted <= present, "declared in the schema, without a default"
    below = [key for key in present if "*" not in key]
    assert set(below) <= {path for path, _ in described(schema, schema)}


def test_the_ci_values_use_every_key(schema: dict[str, Any]):
    used = {generic(schema, path) for case in CASES for path, _, _ in walk(schema, schema, ci_values(case))}
    wanted = {
        path for path, _ in described(schema, schema) if path[:1] not in (("modelDefaults",), ("engineDefaults",))
    }
    assert wanted <= used


def test_every_ci_file_belongs_to_a_case():
    assert {path.name for path in CI.glob("*.yaml")} == {f"{case}-values.yaml" for case in CASES}
