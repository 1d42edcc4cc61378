from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmgen import catalog
from llmgen.architecture import Architecture

DATA = Path(__file__).parents[3] / "benchmarks/data"
PUBLISHED = {
    json.loads(line)["model"]
    for name in ("sizing-truth", "perf-truth", "load-truth")
    for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
}
# What the published rows call so has no config anybody could read: no name at all, or a model of which only load times are known.
NOT_NAMED = {
    None,
    "Qwen/Qwen3.6-27B (AutoRound INT4)",
    "(70B-class AWQ, name not shown in excerpt)",
    "(7B VLM on Mistral-7B shape, name not shown)",
    "(fine-tuned Llama-3.1-8B, LlamaForCausalLM, local path)",
    "June 67B (HF export, MoE)",
    "DeepSeek-V4-Flash-DSpark",
    "GLM-5.2",
    "GLM-5.2 (bf16)",
    "GLM-5.2-FP8",
    "GLM-5.3-Flash",
    "zai-org/GLM-5.3-Flash",
    "Qwen/Qwen3-VL-32B-Instruct-FP8",
    "Qwen/Qwen3.8-27B",
    "Salyut1/GLM-4.7-NVFP4",
    "google/gemma-4-12b",
}
CALLED = {
    "DeepSeek-R1-0528-AWQ": "cognitivecomputations/DeepSeek-R1-0528-AWQ",
    "GLM-5.1-FP8": "zai-org/GLM-5.1-FP8",
    "Llama-3.1-8B container": "meta-llama/Llama-3.1-8B",
    "Llama-3.3-70B-FP8": "nvidia/Llama-3.3-70B-Instruct-FP8",
    "Qwen/Qwen2.5-3B-Instruct (FP8-dynamic)": "RedHatAI/Qwen2.5-3B-Instruct-FP8-dynamic",
    "gpt-oss-20b container": "openai/gpt-oss-20b",
}
"""Hub ids of what published rows call otherwise."""


def test_there_are_enough_models_and_their_facts_are_readable():
    assert len(catalog.models()) >= 45


def test_a_model_is_found_in_any_case_and_a_stranger_is_none():
    llama = catalog.model("meta-llama/llama-3.1-8b-instruct")
    assert llama is not None
    assert (llama["hidden_size"], llama["num_hidden_layers"], llama["num_key_value_heads"]) == (4096, 32, 8)
    assert catalog.model("nobody/nothing") is None


def test_what_nobody_checked_says_so():
    for name, facts in catalog.models().items():
        assert facts["verified"] == (facts["source"] != "memory"), name


def test_shapes_are_consistent():
    for name, facts in catalog.models().items():
        heads, kv_heads = facts["num_attention_heads"], facts.get("num_key_value_heads")
        assert kv_heads is None or heads % kv_heads == 0, name
        assert facts.get("head_dim") or facts["hidden_size"] % heads == 0, name
        if params := facts.get("params"):
            assert params["active"] <= params["total"], name


def test_gated_models_are_marked():
    llama, qwen = catalog.model("meta-llama/Llama-3.1-8B-Instruct"), catalog.model("Qwen/Qwen3-8B")
    assert llama is not None
    assert qwen is not None
    assert llama["gated"] is True
    assert qwen["gated"] is False


@pytest.mark.parametrize("name", sorted(PUBLISHED - NOT_NAMED))
def test_models_of_published_data_are_known_and_sized(name: str):
    facts = catalog.model(CALLED.get(name, name))
    assert facts is not None
    # A mixed-precision checkpoint does not list its layers: that is the one doubt these entries have.
    assert all(
        "mixed precision" in reason or "'ignore'" in reason for reason in Architecture.from_config(facts).unsupported
    )


def test_what_is_not_named_is_really_not_in_the_catalogue():
    assert [name for name in NOT_NAMED if name and catalog.model(name)] == []


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("meta-llama/Meta-Llama-3-8B-Instruct", 8192),
        ("meta-llama/Llama-3.1-8B-Instruct", 131072),
        ("Qwen/Qwen3-235B-A22B-FP8", 40960),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", 262144),
        ("moonshotai/Kimi-K2-Thinking", 262144),
    ],
)
def test_a_shape_that_is_shared_does_not_share_the_context(name: str, context: int):
    """What their cards say: a later training of the same shape often reaches further."""
    facts = catalog.model(name)
    assert facts is not None
    assert facts["max_position_embeddings"] == context


def test_an_alias_is_no_other_model():
    names = {name.casefold() for name in catalog.models()}
    aliases = [alias.casefold() for facts in catalog.models().values() for alias in facts.get("aliases", ())]
    assert len(aliases) == len(set(aliases))
    assert not names & set(aliases)


@pytest.mark.parametrize("name", sorted(name for name, facts in catalog.models().items() if "params" in facts))
def test_the_shape_adds_up_to_the_parameters_the_card_says(name: str):
    facts = catalog.models()[name]
    model = Architecture.from_config(facts)
    assert model.parameters == pytest.approx(facts["params"]["total"], rel=0.05)
