"""Counts equal the reference's, on tokenizers trained here; templates render as transformers renders them."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.policy.conftest import identity, snapshot
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from llm_gateway import tokens
from llm_gateway.tokens import encoding
from llm_gateway.tokens.counting import ON_LOOP
from llm_gateway.tokens.encoding import PARITY_TEXTS
from llm_gateway.tokens.template import ChatTemplate, TemplateRefusalError
from llm_gateway.types import Endpoint, Refusal, Request, TokenCount
from llm_gateway.validation import parse

CHATML = (
    "{%- if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{%- for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{%- if message.tool_calls %}{% for call in message.tool_calls %}\n<tool_call>{{ call.function.name }}"
    "{{ call.function.arguments | tojson }}</tool_call>{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PARTS = "{% for m in messages %}{% set body = m['content'] %}{% for p in body %}[{{ p.type }}:{{ p.text }}]{% endfor %}{% endfor %}"


def train(folder: Path, template: str | None, *, bos: bool = False) -> Path:
    """A byte-level BPE tokenizer of 600 tokens, as Qwen's and Llama's are in kind."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|im_start|>", "<|im_end|>", "<s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator([*PARITY_TEXTS, "the quick brown fox jumps over the lazy dog " * 20], trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": {"content": "<s>"}, "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("tokenizer"), CHATML)


def counters(folder: Path, model: str = "chat", **more: Any) -> tokens.Counters:
    return tokens.build(snapshot({"models": {model: {"tokenizer": {"path": str(folder), **more}}}}))


def request(body: dict[str, Any], endpoint: Endpoint = "chat") -> Request:
    parsed = parse(snapshot(), endpoint, orjson.dumps(body), {}, identity())
    assert isinstance(parsed, Request), parsed
    return parsed


def count(made: tokens.Counters, body: dict[str, Any], endpoint: Endpoint = "chat", model: str = "chat") -> TokenCount:
    counted = asyncio.run(made.count(model, request(body, endpoint)))
    assert isinstance(counted, TokenCount), counted
    return counted


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=300) | st.sampled_from(PARITY_TEXTS))
def test_fastokens_counts_as_tokenizers(folder: Path, text: str) -> None:
    encode, library, why = encoding.load((folder / "tokenizer.json").read_text())
    assert (library, why) == ("fastokens", None)
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert encode(text, False) == len(reference.encode(text, add_special_tokens=False).ids)


def test_special_tokens_of_the_model_are_counted_where_the_engine_adds_them(tmp_path: Path) -> None:
    made = counters(train(tmp_path, CHATML, bos=True))
    reference = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    plain = len(reference.encode("hello there", add_special_tokens=False).ids)
    assert count(made, {"prompt": "hello there"}, "completions").tokens == plain + 1
    assert count(made, {"prompt": "hello there", "add_special_tokens": False}, "completions").tokens == plain
    chat = count(made, {"messages": [{"role": "user", "content": "hello there"}]})
    rendered = "<|im_start|>user\nhello there<|im_end|>\n<|im_start|>assistant\n"
    assert chat == TokenCount(n := len(reference.encode(rendered, add_special_tokens=False).ids), "exact", n)


def test_a_tokenizer_that_fastokens_gets_wrong_is_left_to_the_reference(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong:
        def encode(self, text: str, *, add_special_tokens: bool) -> Any:
            del add_special_tokens
            return type("Encoding", (), {"ids": [1] * len(text)})()

    monkeypatch.setattr(encoding, "_fast", lambda _: Wrong())
    made = counters(folder)
    counter = made.by_model["chat"]
    assert counter is not None
    assert counter.library == "tokenizers"
    assert any("fastokens differs" in note for note in made.notes())
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert count(made, {"prompt": "hello"}, "completions").tokens == len(reference.encode("hello").ids)


def test_a_tokenizer_that_fastokens_cannot_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> Any:
        raise ValueError("unknown model type")

    monkeypatch.setattr(encoding, "_fast", fail)
    assert encoding.load((folder / "tokenizer.json").read_text())[1:] == (
        "tokenizers", "fastokens cannot read it: unknown model type",
    )  # fmt: skip


def test_special_tokens_in_a_prompt_count_as_the_engine_counts_them(folder: Path) -> None:
    """A user who writes <|im_end|> gets one token in the engine too; the count must say so, and not more."""
    made = counters(folder)
    plain = count(made, {"messages": [{"role": "user", "content": "a"}]}).tokens
    assert count(made, {"messages": [{"role": "user", "content": "a<|im_end|>"}]}).tokens == plain + 1


def test_token_ids_need_no_tokenizer(folder: Path) -> None:
    for made in (counters(folder), tokens.build(snapshot())):
        assert count(made, {"prompt": [1, 2, 3]}, "completions") == TokenCount(3, "exact", 3)
        assert count(made, {"prompt": [[1, 2, 3], [4]]}, "completions") == TokenCount(4, "exact", 3)


def test_the_longest_of_several_inputs_is_known(folder: Path) -> None:
    made = counters(folder, "embed")
    one = count(made, {"input": "the quick brown fox"}, "embeddings", "embed").tokens
    counted = count(made, {"input": ["the quick brown fox", ""]}, "embeddings", "embed")
    assert (counted.tokens, counted.longest, counted.source) == (one, one, "exact")


def test_an_estimate_says_that_it_is_one() -> None:
    made = tokens.build(snapshot())
    counted = count(made, {"messages": [{"role": "user", "content": "x" * 350}]})
    assert (counted.tokens, counted.source) == (pytest.approx(100, abs=8), "estimate")
    assert any("estimates" in note for note in made.notes())
    japanese = count(made, {"messages": [{"role": "user", "content": "漢字" * 100}]})
    assert japanese.tokens > 150, "by bytes and not by characters"


def test_media_parts_count_as_configured(folder: Path) -> None:
    made = counters(folder, mediaTokens=777)
    text = {"type": "text", "text": "look"}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}
    plain = count(made, {"messages": [{"role": "user", "content": [text]}]})
    counted = count(made, {"messages": [{"role": "user", "content": [text, image]}]})
    assert (counted.tokens, counted.source) == (plain.tokens + 777, "estimate")


def test_large_prompts_are_counted_off_the_loop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counters(folder)
    threads: list[str] = []
    counter = made.by_model["chat"]
    assert counter is not None
    encode = counter.encode
    monkeypatch.setattr(
        counter, "encode", lambda *args: threads.append(threading.current_thread().name) or encode(*args)
    )
    for size in (ON_LOOP, ON_LOOP + 1):
        count(made, {"messages": [{"role": "user", "content": "x" * size}]})
    assert threads[0] == "MainThread"
    assert threads[1].startswith("tokens")
    made.close()


def test_reload_keeps_what_did_not_change(tmp_path: Path) -> None:
    train(tmp_path, CHATML)
    config = snapshot(
        {"models": {"chat": {"tokenizer": {"path": str(tmp_path)}}, "small": {"tokenizer": {"path": str(tmp_path)}}}}
    )
    first = tokens.build(config)
    assert first.by_model["chat"] is first.by_model["small"]
    assert first.alike("chat", "small")
    assert not first.alike("chat", "embed")
    assert tokens.build(config, (config, first)).by_model["chat"] is first.by_model["chat"]
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0].content }} and more")
    assert tokens.build(config, (config, first)).by_model["chat"] is not first.by_model["chat"]


@pytest.mark.parametrize("broken", ["missing", "no json", "template"])
def test_a_folder_that_cannot_be_used(tmp_path: Path, broken: str) -> None:
    if broken != "missing":
        train(tmp_path, "{% if %}" if broken == "template" else None)
    if broken == "no json":
        (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(tokens.TokenizerError):
        counters(tmp_path)


def test_a_template_that_refuses_is_a_400_in_its_own_words(tmp_path: Path) -> None:
    made = counters(train(tmp_path, "{{ raise_exception('roles must alternate') }}"))
    refusal = asyncio.run(made.count("chat", request({"messages": [{"role": "user", "content": "secret"}]})))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.param) == (400, "chat_template_error", "messages")
    assert "roles must alternate" in refusal.message


def test_no_chat_template_means_an_estimate(tmp_path: Path) -> None:
    made = counters(train(tmp_path, None))
    assert count(made, {"messages": [{"role": "user", "content": "hi"}]}).source == "estimate"
    assert count(made, {"prompt": "hi"}, "completions").source == "exact"


# --- the template itself


def render(source: str, messages: list[dict[str, Any]], **more: Any) -> str:
    return ChatTemplate(source, {"bos_token": "<s>"}).render({"messages": messages, **more})


USER = {"role": "user", "content": "hi"}


def test_render_chatml() -> None:
    assert render(CHATML, [{"role": "system", "content": "s"}, USER]) == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert render("{{ bos_token }}{{ messages[0].content }}", [USER]) == "<s>hi"


def test_tools_and_calls() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"a": "ü<"}}, "extra": 1}
    assert render("{{ tools[0] | tojson }}", [USER], tools=[tool]) == (
        '{"type": "function", "function": {"name": "f", "description": null, "parameters": {"a": "ü<"}}}'
    )
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"b": 1, "a": 2}'}}
    text = render(CHATML, [USER, {"role": "assistant", "content": None, "tool_calls": [call]}])
    assert '<tool_call>f{"b": 1, "a": 2}</tool_call>' in text
    broken = {**call, "function": {"name": "f", "arguments": "{"}}
    assert '<tool_call>f"{"</tool_call>' in render(CHATML, [USER, {"role": "assistant", "tool_calls": [broken]}])


@pytest.mark.parametrize(
    ("source", "wants_parts"),
    [
        (CHATML, False),
        (PARTS, True),
        ("{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}", True),
        ("{% for m in messages %}{% if m.content is string %}{{ m.content }}{% endif %}{% endfor %}", False),
        ("{% macro show(c) %}{% for p in c %}{{ p.text }}{% endfor %}{% endmacro %}{% for m in messages %}{{ show(m.content) }}{% endfor %}", True),
    ],
)  # fmt: skip
def test_whether_a_template_wants_parts(source: str, wants_parts: bool) -> None:  # noqa: FBT001
    assert ChatTemplate(source, {}).wants_parts is wants_parts


def test_content_in_the_form_the_template_wants() -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert render("{{ messages[0].content }}", [parts]) == "a\nb"
    assert render(PARTS, [parts, USER]) == "[text:a][text:b][text:hi]"


def test_developer_is_system_unless_the_template_knows_it() -> None:
    message = {"role": "developer", "content": "x"}
    assert render("{{ messages[0].role }}", [message]) == "system"
    assert render("{{ messages[0].role }}{# 'developer' #}", [message]) == "developer"


def test_generation_blocks_loop_controls_and_arguments() -> None:
    assert render("{% generation %}{{ messages[0].content }}{% endgeneration %}", [USER]) == "hi"
    assert render("{% for m in messages %}{{ m.content }}{% break %}{% endfor %}", [USER, USER]) == "hi"
    assert render("{{ enable_thinking }}", [USER], chat_template_kwargs={"enable_thinking": False}) == "False"
    assert render("{{ messages | length }}", [USER], chat_template_kwargs={"messages": [], "tools": 1}) == "1"


def test_continuing_the_last_message() -> None:
    messages = [USER, {"role": "assistant", "content": "once upon"}]
    text = render(CHATML, messages, continue_final_message=True, add_generation_prompt=False)
    assert text.endswith("<|im_start|>assistant\nonce upon")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ undefined_thing.attribute }}",
        "{{ 1 / 0 }}",
    ],
)
def test_failures_are_refusals(source: str) -> None:
    with pytest.raises(TemplateRefusalError):
        render(source, [USER])


@pytest.mark.parametrize(
    "source", ["{{ raise_exception.__globals__ }}", "{{ messages[0].__class__ }}", "{{ ''.__class__ }}"]
)
def test_the_sandbox_shows_nothing_of_the_inside(source: str) -> None:
    assert render(source, [USER]) == ""
