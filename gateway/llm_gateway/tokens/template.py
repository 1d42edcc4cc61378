"""A model's own chat template, rendered as the engine renders it, in a sandbox.

Behaviour follows transformers' `apply_chat_template` and vLLM 0.32's preparation of messages (vllm/renderers/chat_utils.py), since
the count must equal what the engine counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import orjson
from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = dict[str, Any]

_OURS = frozenset({"messages", "tools", "documents", "add_generation_prompt", "continue_final_message"})
_TEXT_FIELDS = {
    "text": "text",
    "refusal": "refusal",
    "input_text": "text",
    "output_text": "text",
    "thinking": "thinking",
}


class TemplateRefusalError(ValueError):
    """The template refuses the messages, in its own words."""


class _Generation(Extension):
    """transformers' `{% generation %}`, which marks training targets and renders what is inside."""

    tags = {"generation"}  # noqa: RUF012 -- jinja2 declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Take the block's body as it is."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


_DICT_WORDS = frozenset(dir(dict))


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with a short way to what templates ask most: a field of a map."""

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 -- whatever templates hold
        """``obj.attribute``: an attribute first, then an item. A plain dict has no attributes but its methods."""
        if type(obj) is dict and attribute in obj and attribute not in _DICT_WORDS:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _refuse(message: str) -> NoReturn:
    raise TemplateRefusalError(message)


def _now(pattern: str) -> str:
    return datetime.now().strftime(pattern)  # noqa: DTZ005 -- local time, as in transformers; the engine's pods run in UTC too


def _tojson(value: object, **options: Any) -> str:  # noqa: ANN401 -- json.dumps' own
    return json.dumps(value, ensure_ascii=options.pop("ensure_ascii", False), **options)


class ChatTemplate:
    """One compiled template. ``special``: `bos_token` and the like, by name. Raises jinja2.TemplateError for a broken one."""

    def __init__(self, source: str, special: Mapping[str, str]) -> None:
        environment = _Environment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
        environment.filters["tojson"] = _tojson
        environment.globals.update(raise_exception=_refuse, strftime_now=_now)
        self._template = environment.from_string(source)
        self._globals = {**self._template.globals, **special}
        self._context = environment.context_class
        self.wants_parts = _reads_parts(environment.parse(source))
        self._knows_developer = '"developer"' in source or "'developer'" in source

    def render(self, body: Mapping[str, Any]) -> str:
        """Text of a chat request. Raises TemplateRefusalError where the template does not take these messages."""
        messages = [self._message(message) for message in body["messages"]]
        unfinished = body.get("continue_final_message", False)
        try:
            text = self._render(
                {
                    **self._globals,
                    **_arguments(body),
                    "messages": messages,
                    "tools": _tools(body.get("tools")),
                    "documents": body.get("documents"),
                    "add_generation_prompt": body.get("add_generation_prompt", True) and not unfinished,
                }
            )
        except TemplateRefusalError:
            raise
        except (
            TemplateError,
            TypeError,
            ValueError,
            KeyError,
            AttributeError,
            ArithmeticError,
            IndexError,
            RecursionError,
        ) as error:
            raise TemplateRefusalError(f"the chat template failed ({type(error).__name__})") from None
        return _cut_after(text, messages[-1]) if unfinished else text

    def _render(self, names: dict[str, Any]) -> str:
        """`Template.render` without what it does anew each time: gathering globals from a chain of maps, and rewriting tracebacks."""
        template = self._template
        context = self._context(template.environment, names, template.name, template.blocks)
        return "".join(template.root_render_func(context))

    def _message(self, message: Message) -> Message:
        role = message["role"]
        shaped: Message = {
            "role": "system" if role == "developer" and not self._knows_developer else role,
            "content": self._content(role, message.get("content")),
        }
        if role == "assistant":
            if calls := message.get("tool_calls"):
                shaped["tool_calls"] = [_call(call) for call in calls]
            reasoning = message.get("reasoning", message.get("reasoning_content"))
            if reasoning is not None:
                shaped["reasoning"] = shaped["reasoning_content"] = reasoning
        elif role == "tool" and "tool_call_id" in message:
            shaped["tool_call_id"] = message["tool_call_id"]
        if isinstance(message.get("name"), str):
            shaped["name"] = message["name"]
        return shaped

    def _content(self, role: str, content: str | Sequence[Message] | None) -> str | list[Message]:
        if not self.wants_parts or role == "tool":
            return content if isinstance(content, str) else "\n".join(_texts(content or ()))
        if isinstance(content, str):
            return [{"type": "text", "text": content}]
        return [_shaped(part) for part in content or ()]


def _arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the client tells the template; an effort to reason switches thinking on or off where the client does not say."""
    arguments = {name: value for name, value in body.get("chat_template_kwargs", {}).items() if name not in _OURS}
    effort = body.get("reasoning_effort")
    if effort is not None:
        arguments["reasoning_effort"] = effort
        arguments.setdefault("enable_thinking", effort != "none")
    return arguments


def _texts(parts: Sequence[Message]) -> Iterator[str]:
    return (part[_TEXT_FIELDS[part["type"]]] for part in parts if part["type"] in _TEXT_FIELDS)


def _shaped(part: Message) -> Message:
    kind = part["type"]
    if kind in _TEXT_FIELDS:
        return {"type": "text", "text": part[_TEXT_FIELDS[kind]]}
    return {
        "type": {"image_url": "image", "video_url": "video", "audio_url": "audio", "input_audio": "audio"}.get(
            kind, kind
        )
    }


def _call(call: Message) -> Message:
    """Arguments as a map, which is what templates expect; text that is no JSON stays as it is."""
    function = dict(call["function"])
    arguments = function.get("arguments") or "{}"
    try:
        function["arguments"] = orjson.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        function["arguments"] = arguments
    return {**call, "function": function}


def _tools(tools: Sequence[Message] | None) -> list[Message] | None:
    """Tools with the keys the engine's own models write, in their order, and without those they do not know."""
    if tools is None:
        return None
    return [
        {
            "type": "function",
            "function": {
                "name": function["name"],
                "description": function.get("description"),
                "parameters": function.get("parameters"),
                **({"strict": function["strict"]} if function.get("strict") is not None else {}),
            },
        }
        for function in (tool["function"] for tool in tools)
    ]


def _cut_after(text: str, message: Message) -> str:
    """Drop what the template puts behind the last message, so that the model goes on writing it."""
    content = message["content"]
    last = content if isinstance(content, str) else "".join(part.get("text", "") for part in content[-1:])
    end = text.rfind(last.strip())
    return text if end < 0 else text[: end + len(last.strip())]


def _reads_parts(tree: nodes.Template) -> bool:
    """Whether the template walks through a message's content, so that it wants a list of parts and not a text."""
    bound: set[str] = set()
    for assign in tree.find_all(nodes.Assign):
        if isinstance(assign.target, nodes.Name) and _is_content(assign.node, bound):
            bound.add(assign.target.name)
    macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and (macro := macros.get(call.node.name)) is not None:
            bound |= {
                parameter.name
                for parameter, given in zip(macro.args, call.args, strict=False)
                if _is_content(given, bound)
            }
    return any(_is_content(loop.iter, bound) for loop in tree.find_all(nodes.For))


def _is_content(node: nodes.Node, bound: set[str]) -> bool:
    if isinstance(node, nodes.Getattr):
        return node.attr == "content"
    if isinstance(node, nodes.Getitem):
        return isinstance(node.arg, nodes.Const) and node.arg.value == "content"
    if isinstance(node, nodes.Filter | nodes.Test):
        return _is_content(node.node, bound) if node.node is not None else False
    return isinstance(node, nodes.Name) and node.name in bound
