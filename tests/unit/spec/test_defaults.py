"""Defaults come from the schema, and only where nothing was written."""

from __future__ import annotations

import copy
from typing import Any

from llmgen.spec.defaults import fill

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "default": 3},
        "free": {"type": "string"},
        "block": {"$ref": "#/$defs/block"},
        "named": {"type": "object", "additionalProperties": {"$ref": "#/$defs/block"}, "default": {}},
        "chosen": {
            "oneOf": [
                {"const": "auto"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"width": {"type": "integer", "default": 1}},
                },
            ],
            "default": "auto",
        },
        "asked": {
            "type": "object",
            "additionalProperties": False,
            "required": ["size"],
            "properties": {"size": {"type": "string"}, "kind": {"default": "a"}},
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "default": {"team": "x"}},
        "mine": {"$ref": "#/$defs/text", "default": "here"},
    },
    "$defs": {
        "block": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"on": {"type": "boolean", "default": True}, "inner": {"$ref": "#/$defs/inner"}},
        },
        "inner": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"level": {"type": "integer", "default": 7}},
        },
        "text": {"type": "string", "default": "there"},
    },
}


def test_everything_absent() -> None:
    assert fill({}, SCHEMA) == {
        "count": 3, "block": {"on": True, "inner": {"level": 7}}, "named": {}, "chosen": "auto", "labels": {"team": "x"}, "mine": "here",
    }  # fmt: skip


def test_what_is_written_stays() -> None:
    written = {"count": 0, "free": "", "block": {"on": False}, "labels": {}, "mine": "there"}
    filled = fill(written, SCHEMA)
    assert filled == {
        "count": 0,
        "free": "",
        "block": {"on": False, "inner": {"level": 7}},
        "named": {},
        "chosen": "auto",
        "labels": {},
        "mine": "there",
    }


def test_entries_of_a_map_are_filled() -> None:
    assert fill({"named": {"a": {}, "b": {"on": False}}}, SCHEMA)["named"] == {
        "a": {"on": True, "inner": {"level": 7}}, "b": {"on": False, "inner": {"level": 7}},
    }  # fmt: skip


def test_the_map_branch_of_a_choice_is_filled() -> None:
    assert fill({"chosen": {}}, SCHEMA)["chosen"] == {"width": 1}


def test_a_map_with_required_keys_stays_absent_and_is_filled_once_written() -> None:
    assert "asked" not in fill({}, SCHEMA)
    assert fill({"asked": {"size": "1Gi"}}, SCHEMA)["asked"] == {"size": "1Gi", "kind": "a"}


def test_the_result_shares_nothing_that_can_change() -> None:
    before = copy.deepcopy(SCHEMA)
    filled = fill({}, SCHEMA)
    filled["labels"]["team"] = "changed"
    filled["named"]["new"] = {}
    assert before == SCHEMA
    assert fill({}, SCHEMA)["labels"] == {"team": "x"}
