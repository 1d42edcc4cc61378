"""Every key of the schema is read by a template, and every key that a template reads is in the schema."""

from __future__ import annotations

import re
from typing import Any

from tests.chart.conftest import CHART, load
from tests.chart.schemas import described

TEXT = {path: path.read_text() for path in (CHART / "templates").rglob("*.*")}
CODE = "\n".join(re.sub(r"\{\{-? ?/\*.*?\*/ ?-?\}\}", "", text, flags=re.DOTALL) for text in TEXT.values())
WORDS = set(re.findall(r"[A-Za-z][A-Za-z0-9]*", CODE))
WHOLE = {
    "tolerations",
    "securityContext",
    "podSecurityContext",
    "resources",
    "affinity",
    "rules",
    "tenants",
    "thresholds",
    "slos",
}
"""Maps that are passed on whole: what is below them is Kubernetes' own word, or the gateway's (test_gateway_config.py)."""
BY_NAME = {"canary", "batch", "experimental"}
"""Tracks and traffic classes are read in a loop, or by the name that another key holds."""


def in_record(schema: dict[str, Any], path: tuple[Any, ...]) -> bool:
    """Whether a key belongs to what only `llmgen rollout` reads."""
    records = {found for found, node in described(schema, schema) if node.get("x-record")}
    return any(path[: len(record)] == record for record in records)


def test_every_declared_key_is_read(schema: dict[str, Any]):
    unread = {
        path
        for path, _ in described(schema, schema)
        if path[-1] != "*"
        and not in_record(schema, path)
        and not WHOLE & set(path[:-1])
        and path[-1] not in WORDS | BY_NAME
    }
    assert not unread


def test_every_key_read_from_the_top_is_declared(schema: dict[str, Any]):
    paths = {tuple(match.split(".")) for match in re.findall(r"\.Values\.([A-Za-z.]+)", CODE)}
    known = {path for path, _ in described(schema, schema)}
    assert len(paths) > 15
    assert not {path for path in paths if path not in known and path[:1] != ("models",)}


def test_every_key_read_from_an_engine_is_declared(schema: dict[str, Any]):
    engine = {path[1:] for path, _ in described(schema, schema) if path[0] == "engineDefaults"}
    read = {tuple(match.split(".")) for match in re.findall(r"(?:\$config|\.config)\.([A-Za-z.]+)", CODE)}
    assert len(read) > 40
    assert not read - engine


def test_every_key_read_from_a_model_is_declared(schema: dict[str, Any]):
    model = {path[1:] for path, _ in described(schema, schema) if path[0] == "modelDefaults"}
    read = {tuple(match.split(".")) for match in re.findall(r"(?:model\.values|\$values)\.([A-Za-z.]+)", CODE)}
    assert len(read) > 5
    assert not read - model


def test_no_default_is_repeated_in_a_template():
    """`default` only stands for what may be absent, never for a value that values.yaml has."""
    literals = re.findall(r"\bdefault \"([^\"]+)\"|\bdefault ([0-9]+)", CODE)
    assert {text or number for text, number in literals} <= {"ReadWriteMany", "(none declared)", "0"}


def test_keys_are_camel_case(schema: dict[str, Any]):
    assert not [
        path
        for path, _ in described(schema, schema)
        if path[-1] != "*" and not re.fullmatch(r"[a-z][A-Za-z0-9]*", path[-1])
    ]


def test_no_key_is_a_yaml_boolean(schema: dict[str, Any]):
    assert not [path for path, _ in described(schema, schema) if load(str(path[-1])) in {True, False, None}]
