"""Guesses about a wrong document: good enough to check the rest of it, never rendered."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llmgen.contract import check
from llmgen.load import spec_schema
from llmgen.mending import mend, present, schema_at
from llmgen.problems import errors
from llmgen.source import Document


def good() -> dict[str, Any]:
    return {
        "apiVersion": "llmgen.dev/v1alpha1", "kind": "ServingSpec", "metadata": {"name": "a"},
        "cluster": {"pools": {"l4": {"gpu": "L4-24GB", "gpusPerNode": 2, "maxNodes": 2}}},
        "models": {"chat": {"source": {"hub": {"repo": "a/b"}}, "limits": {"maxPromptTokens": 10}}},
    }  # fmt: skip


def mended(data: dict[str, Any]) -> tuple[dict[str, Any], set[tuple[Any, ...]]]:
    touched: set[tuple[Any, ...]] = set()
    for _ in range(20):
        wrong = errors(check(Document.from_data(data, "spec.yaml"), spec_schema()))
        if not wrong or not mend(data, wrong, spec_schema(), touched):
            break
    return data, touched


def test_nothing_to_mend() -> None:
    data, touched = mended(good())
    assert data == good()
    assert touched == set()


def test_misspelt_required_key() -> None:
    data = good()
    data["cluster"]["pools"]["l4"]["maxNodse"] = data["cluster"]["pools"]["l4"].pop("maxNodes")
    data, touched = mended(data)
    assert data["cluster"]["pools"]["l4"]["maxNodes"] == 2
    assert touched == {("cluster", "pools", "l4", "maxNodse"), ("cluster", "pools", "l4", "maxNodes")}


def test_misspelt_optional_key() -> None:
    data = good()
    data["models"]["chat"]["qualiti"] = 70
    data, touched = mended(data)
    assert data["models"]["chat"]["quality"] == 70
    assert touched == {("models", "chat", "qualiti"), ("models", "chat", "quality")}


def test_an_unknown_key_may_have_been_any_absent_one() -> None:
    data = good()
    data["cluster"]["addons"] = {"keda": True, "zzz": True}
    data, touched = mended(data)
    assert data["cluster"]["addons"] == {"keda": True}
    assert ("cluster", "addons", "istio") in touched
    assert ("cluster", "addons", "keda") not in touched


def test_what_has_no_example_goes_with_its_holder() -> None:
    data = good()
    data["tenants"] = {"acme": {"keys": {"primary": {"sha256": "no"}}}}
    data, touched = mended(data)
    # A tenant may be without keys (JWT, anonymous), so only the key goes.
    assert data["tenants"] == {"acme": {"keys": {}}}
    assert any(path[:2] == ("tenants", "acme") for path in touched)
    assert ("models",) not in touched


def test_optional_wrong_value_is_dropped() -> None:
    data = good()
    data["models"]["chat"]["quality"] = "high"
    data, touched = mended(data)
    assert data == good()
    assert touched == {("models", "chat", "quality")}


def test_required_wrong_value_becomes_an_example() -> None:
    data = good()
    data["cluster"]["pools"]["l4"]["gpusPerNode"] = 0
    data, _ = mended(data)
    assert (
        data["cluster"]["pools"]["l4"]["gpusPerNode"]
        == schema_at(spec_schema(), ("cluster", "pools", "x", "gpusPerNode"))["examples"][0]
    )


@given(
    st.sampled_from(["metadata", "cluster", "models", "apiVersion", "kind"]),
    st.sampled_from([None, 3, "text", [], {}, [{}], True]),
)
def test_any_wrong_block_can_be_mended_or_is_given_up(key: str, value: object) -> None:
    data, touched = mended({**good(), key: value})
    assert touched
    wrong = errors(check(Document.from_data(data, "spec.yaml"), spec_schema()))
    assert not wrong or key in {"models", "cluster"}


def test_schema_at() -> None:
    schema = spec_schema()
    assert schema_at(schema, ("models", "any", "gpu", "pool"))["type"] == "string"
    assert schema_at(schema, ("models", "any", "rollout", "steps", 0))["type"] == "integer"
    assert schema_at(schema, ("nothing", "here")) == {}


def test_present() -> None:
    data = {"a": [{"b": None}]}
    assert present(data, ("a", 0, "b"))
    assert not present(data, ("a", 1))
    assert not present(data, ("a", "b"))
    assert present(data, ())
