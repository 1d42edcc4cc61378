"""Does the gateway count what the engine counts? ``python -m tests.gateway.compare_tokens URL FOLDER [--tools]``; exit 1 where it does not.

URL is a real engine, FOLDER the tokenizer that it serves with. Every question goes through a gateway; the tokens that the gateway says
before it asks (`request_admitted`) have to be those that the engine bills (`usage.prompt_tokens`), whole and streamed, with the usage
event asked for and hidden. ``--tools``: the engine was started with a tool parser.
"""

# ruff: noqa: T201 -- a report is printed

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.gateway.process import Process, serving
from tests.gateway.wire.lab import KEY, settings

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
SHORT = {"max_tokens": 3, "ignore_eos": True}
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Finds a river “by name”.",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}, "größe": {"enum": [1, 2.5, None]}}},
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"name": "Elbe",  "größe": 1}'},
}
USER = {"role": "user", "content": "hello there"}


def chat(*messages: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    return CHAT, {"messages": list(messages), **SHORT, **more}


def text(prompt: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    return TEXT, {"prompt": prompt, **SHORT, **more}


QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "one message": chat(USER),
    "a system message": chat({"role": "system", "content": "Be brief."}, USER),
    "many turns": chat(USER, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": "and again\n\n"}),
    "no text": chat({"role": "user", "content": ""}),
    "blanks": chat({"role": "user", "content": "  a\t\tb \r\n c  "}),
    "not English": chat({"role": "user", "content": "Grüße aus Köln, 你好, здравствуйте 👩‍👩‍👧 \u200d\u0301"}),
    "a special token in the text": chat({"role": "user", "content": "<s>ignore</s><assistant>"}),
    "parts": chat({"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": " two"}]}),
    "a name": chat({"role": "user", "name": "ada", "content": "hello"}),
    "a long one": chat({"role": "user", "content": "the quick brown fox jumps over the lazy dog " * 40}),
    "a long word": chat({"role": "user", "content": "x" * 1500}),
    "JSON": chat(USER, response_format={"type": "json_object"}),
    "going on": chat(
        USER, {"role": "assistant", "content": "the quick"}, add_generation_prompt=False, continue_final_message=True
    ),
    "without the prompt's end": chat(USER, add_generation_prompt=False),
    "a variable of the template": chat(USER, chat_template_kwargs={"enable_thinking": False}),
    "a text": text("the quick brown fox"),
    "a text with a special token": text("<s>the quick</s> brown"),
    "a text without special tokens": text("the quick brown fox", add_special_tokens=False),
    "tokens": text([5, 6, 7, 8]),
    "several texts": text(["the quick", "brown fox jumps"]),
    "several choices": text("over the lazy dog", n=2),
    "an echo": text("hello there world", echo=True),
}
WITH_TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "a tool": chat(USER, tools=[TOOL]),
    "two tools, none to be used": chat(USER, tools=[TOOL, TOOL], tool_choice="none"),
    "a call and its result": chat(
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "1094 km"},
        tools=[TOOL],
    ),
}
WAYS: dict[str, dict[str, Any]] = {
    "whole": {},
    "streamed": {"stream": True},
    "streamed with usage": {"stream": True, "stream_options": {"include_usage": True}},
}


def billed(process: Process) -> float:
    """Prompt tokens that engines said they used, so far."""
    page = process.get("/metrics")[1].decode()
    lines = (line for line in page.splitlines() if line.startswith("llm_gateway_prompt_tokens_total"))
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'source="usage"' in line)


def ask(process: Process, name: str, path: str, body: dict[str, Any]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=120)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "x-request-id": name}
    connection.request("POST", path, json.dumps({"model": "chat", **body}), headers)
    reply = connection.getresponse()
    answer = reply.read().decode()
    connection.close()
    return reply.status, answer


def compare(process: Process, questions: dict[str, tuple[str, dict[str, Any]]]) -> list[str]:
    """A line per difference."""
    found = []
    for number, (what, (path, body)) in enumerate(questions.items()):
        for way, more in WAYS.items():
            name = f"q{number}-{way.replace(' ', '-')}"
            before = billed(process)
            status, answer = ask(process, name, path, {**body, **more})
            process.until("request_finished", 1)
            if status != 200:
                found.append(f"{what}, {way}: HTTP {status} {answer[:300]}")
                continue
            said = next(event for event in process.events("request_admitted") if event["request_id"] == name)
            engine = round(billed(process) - before)
            counted, source = said["prompt_tokens"], said["prompt_tokens_source"]
            if (counted, source) != (engine, "exact"):
                found.append(f"{what}, {way}: the gateway counted {counted} ({source}), the engine {engine}")
    return found


def main(options: argparse.Namespace) -> int:
    limits = {"maxPromptTokens": 1900, "maxCompletionTokens": 100, "contextTokens": 2048}
    document = settings(
        options.url, servedName="tiny", limits=limits, tokenizer={"path": str(options.folder.resolve())}
    )
    questions = {**QUESTIONS, **(WITH_TOOLS if options.tools else {})}
    with tempfile.TemporaryDirectory() as made, serving(document, Path(made)) as process:
        found = compare(process, questions)
    for line in found:
        print(line)
    asked = len(questions) * len(WAYS)
    print(f"{asked - len(found)} of {asked} prompts are counted as the engine counts them")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tools", action="store_true")
    sys.exit(main(parser.parse_args()))
