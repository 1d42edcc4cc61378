"""Ask two live engines the same questions and list where they differ: ``compare.py URL URL``; exit 1 if they do.

Compared are metric families, types, label names and values, status codes, and the shape of each reply: keys and types, a null counting as
absent. What a model says is not. Meant for the fake and a real vLLM 0.32, started with the same flags.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import urllib.parse
from typing import Any

OWN_VALUES = {"python_info", "vllm:cache_config_info"}  # label values that belong to one process
MESSAGES = [{"role": "user", "content": "Hello there"}]
SHORT = {"max_tokens": 3, "ignore_eos": True}
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
QUESTIONS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "health": ("GET", "/health", None),
    "ping": ("GET", "/ping", None),
    "version": ("GET", "/version", None),
    "load": ("GET", "/load", None),
    "models": ("GET", "/v1/models", None),
    "tokenize": ("POST", "/tokenize", {"prompt": "Hello there"}),
    "chat": ("POST", CHAT, {"messages": MESSAGES, **SHORT}),
    "chat stream": ("POST", CHAT, {"messages": MESSAGES, **SHORT, "stream": True}),
    "chat stream with usage": (
        "POST", CHAT, {"messages": MESSAGES, **SHORT, "stream": True, "stream_options": {"include_usage": True}},
    ),
    "completion": ("POST", TEXT, {"prompt": "Hello", **SHORT}),
    "completion stream": ("POST", TEXT, {"prompt": "Hello", **SHORT, "stream": True}),
    "unknown model": ("POST", CHAT, {"model": "no-such-model", "messages": MESSAGES}),
    "too many tokens": ("POST", TEXT, {"prompt": "Hello", "max_tokens": 10_000_000}),
    "no messages": ("POST", CHAT, {}),
    "no JSON": ("POST", CHAT, None),
    "tools without a parser": (
        "POST", CHAT, {"messages": MESSAGES, "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
    ),
    "no such path": ("GET", "/v1/nothing", None),
    "wrong method": ("POST", "/v1/models", {}),
}  # fmt: skip


def ask(url: str, method: str, path: str, body: Any) -> tuple[int, str]:
    """Status and text of one exchange."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    data = "" if body is None else json.dumps(body)
    connection.request(method, path, data or None, {"content-type": "application/json"})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


def model_of(url: str) -> str:
    return str(json.loads(ask(url, "GET", "/v1/models", None)[1])["data"][0]["id"])


def shape(value: Any) -> Any:
    """Keys and types, without nulls; of a list, its distinct shapes."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items()) if inner is not None}
    if isinstance(value, list):
        shapes = [shape(inner) for inner in value]
        return [one for index, one in enumerate(shapes) if one not in shapes[:index]]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def reply_shape(status: int, text: str) -> dict[str, Any]:
    """Status, and the shape of a JSON reply or of a stream's events; an error also keeps its type and message."""
    if text.startswith("data: "):
        events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
        shapes = shape([json.loads(event) for event in events if event != "[DONE]"])
        return {"status": status, "events": shapes, "ends": events[-1]}
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return {"status": status, "text": text[:200]}
    error = value.get("error") if isinstance(value, dict) else None
    kept = {key: error.get(key) for key in ("type", "param", "message")} if isinstance(error, dict) else {}
    return {"status": status, "shape": shape(value), **kept}


def metrics_shape(text: str) -> dict[str, str]:
    """Family -> type, and every series with its labels; buckets, models and info values left out."""
    found = {f"family {name}": kind for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE)}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            series = re.sub(r'(le|model_name)="[^"]*"', r"\1", line.rsplit(" ", 1)[0])
            if series.split("{")[0] in OWN_VALUES:
                series = re.sub(r'="[^"]*"', "", series)
            found[f"series {series}"] = "there"
    return found


def survey(url: str) -> dict[str, Any]:
    """Everything that is compared, by question."""
    model = model_of(url)
    answers: dict[str, Any] = {}
    for name, (method, path, body) in QUESTIONS.items():
        given = {"model": model, **body} if body is not None and method == "POST" else body
        answers[name] = reply_shape(*ask(url, method, path, given))
        if "message" in answers[name]:
            answers[name]["message"] = answers[name]["message"].replace(model, "MODEL")
    return answers | metrics_shape(ask(url, "GET", "/metrics", None)[1])


def main(first: str, second: str) -> int:
    """Print the differences; the exit code."""
    one, other = survey(first), survey(second)
    differences = [name for name in one | other if one.get(name) != other.get(name)]
    for name in differences:
        sys.stdout.write(f"{name}\n  {first}: {one.get(name, 'absent')}\n  {second}: {other.get(name, 'absent')}\n")
    sys.stdout.write(f"{len(one | other)} compared, {len(differences)} different\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
