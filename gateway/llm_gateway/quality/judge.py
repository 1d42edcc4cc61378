"""The verdict on one answer, from what the request demanded and what was said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
import orjson

from llm_gateway.quality.collect import Collector, Said
from llm_gateway.quality.schema import UndecidedError, fits
from llm_gateway.types import Request

Kind = Literal["json", "tools"]
Result = Literal["valid", "invalid", "truncated", "unchecked"]
_WORST: tuple[Result, ...] = ("valid", "unchecked", "truncated", "invalid")


class Judged(msgspec.Struct, frozen=True):
    """kind: what was demanded. why: of an invalid one, a word for programs; never what was said."""

    kind: Kind
    result: Result
    why: str | None = None


def collector(request: Request) -> Collector | None:
    """For requests whose answers can be judged, which is all that the others pay."""
    return Collector() if request.requires_json or request.tools else None


def judge(request: Request, said: Iterable[Said] | None) -> Judged | None:
    """The worst of all choices; None where there is nothing to judge: prose instead of a call that was optional, or a refusal."""
    if said is None or request.body.get("echo") or request.body.get("continue_final_message"):
        return Judged("json" if request.requires_json else "tools", "unchecked")
    found = [judged for one in said if (judged := _choice(request, one)) is not None]
    return max(found, key=lambda judged: _WORST.index(judged.result), default=None)


def _choice(request: Request, said: Said) -> Judged | None:
    if said.refused:
        return None
    choice = request.body.get("tool_choice")
    if said.calls or (request.tools and (choice == "required" or type(choice) is dict)):
        kind: Kind = "tools"
    elif request.requires_json:
        kind = "json"
    else:
        return None
    if said.cut:
        return Judged(kind, "truncated")
    try:
        why = _calls(request.body, said.calls) if kind == "tools" else _document(_schema(request.body), said.content)
    except UndecidedError:
        return Judged(kind, "unchecked")
    return Judged(kind, "valid" if why is None else "invalid", why)


def _calls(body: dict[str, Any], calls: list[tuple[str, str]]) -> str | None:
    """What is wrong with calls. Raises UndecidedError."""
    if not calls:
        return "no_call"
    schemas = {tool["function"]["name"]: tool["function"].get("parameters") for tool in body.get("tools") or ()}
    for name, arguments in calls:
        if name not in schemas:
            return "unknown_function"
        why = _document(schemas[name] or {}, arguments, mapping=True)
        if why is not None:
            return f"arguments_{why}"
    return None


def _document(schema: object, text: str, *, mapping: bool = False) -> str | None:
    """What is wrong with a document. Raises UndecidedError."""
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return "not_json"
    if mapping and type(value) is not dict:
        return "not_an_object"
    return None if fits(schema, value) else "schema"


def _schema(body: dict[str, Any]) -> object:
    """The schema that the answer must fit. JSON without a schema is an object: engines hold to the mode's name."""
    given = body.get("structured_outputs") or {}
    if given.get("json") is not None:
        schema = given["json"]
        if type(schema) is str:
            try:
                return orjson.loads(schema)
            except orjson.JSONDecodeError:
                return True
        return schema
    wanted = body.get("response_format") or {}
    return wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else {"type": "object"}
