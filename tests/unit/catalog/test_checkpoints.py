from __future__ import annotations

from llmgen import catalog


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
