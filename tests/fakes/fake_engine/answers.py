"""What the model says to one request: text, JSON or a tool call, as asked, with the defects that are switched on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fake_engine import text
from fake_engine.errors import bad_request

if TYPE_CHECKING:
    from fake_engine.faults import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The pieces to hand out. ``tool``: name of the function whose arguments the pieces spell."""

    pieces: list[str]
    finish: str  # stop | length
    stop_reason: str | None = None
    tool: str | None = None


def compose(body: dict[str, Any], *, number: int, faults: Faults, mean: int, limit: int, auto_tools: bool) -> Answer:
    """Decide the whole answer to request ``number``; ``limit`` is the most tokens it may have. Raises ApiError."""
    rng = random.Random(f"{faults.seed}:answer:{number}")  # noqa: S311 -- repeatable, not secret
    tool = _tool(body, auto_tools=auto_tools)
    schema = _schema(body)
    if tool is not None:
        spoil = faults.hits("broken_tool_call", number)
        pieces = text.tokens(text.document(tool.get("parameters", {}), rng, spoil=spoil))
    elif faults.hits("refusal", number):
        pieces = text.tokens(text.REFUSAL)
    elif schema is not None:
        pieces = text.tokens(text.document(schema or None, rng, spoil=faults.hits("broken_json", number)))
    else:
        length = max(1, round(mean * rng.uniform(0.5, 1.5)), body.get("min_tokens", 0))
        pieces = text.prose(rng, limit + 1 if body.get("ignore_eos") else min(length, limit + 1))
    finish = "length" if len(pieces) > limit else "stop"
    pieces, stop_reason = _stopped(pieces[:limit], body.get("stop"))
    if stop_reason is not None:
        finish = "stop"
    if faults.hits("truncation", number):
        pieces, finish = pieces[: max(1, len(pieces) // 2)], "length"
    return Answer(pieces=pieces, finish=finish, stop_reason=stop_reason, tool=tool["name"] if tool else None)


def _tool(body: dict[str, Any], *, auto_tools: bool) -> dict[str, Any] | None:
    """The function to call: the named one, or the first; none when tools are absent or switched off."""
    tools = [tool["function"] for tool in body.get("tools") or []]
    choice = body.get("tool_choice", "auto" if tools else "none")
    if not tools or choice == "none":
        return None
    if choice == "auto" and not auto_tools:
        raise bad_request('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set')
    if isinstance(choice, str):
        return tools[0]
    name = choice["function"]["name"]
    found = next((tool for tool in tools if tool["name"] == name), None)
    if found is None:
        raise bad_request(f"The tool specified in `tool_choice` does not match any of the specified `tools`: {name}")
    return found


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """The schema that the answer must fit; {} for any JSON, None for prose."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"].get("schema", {})
    return {} if wanted.get("type") == "json_object" else None


def _stopped(pieces: list[str], stop: str | list[str] | None) -> tuple[list[str], str | None]:
    """Cut before the first stop string, which is not part of the answer."""
    whole = "".join(pieces)
    for sign in [stop] if isinstance(stop, str) else stop or []:
        if sign and sign in whole:
            return text.tokens(whole[: whole.index(sign)]) or [""], sign
    return pieces, None
