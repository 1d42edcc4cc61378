"""Chat messages and prompts: their form, and how much text they hold."""

from __future__ import annotations

from typing import Any

from llm_gateway.validation.problems import Invalid, wrong_type

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_TEXT_PARTS = {
    "text": "text",
    "refusal": "refusal",
    "input_text": "text",
    "output_text": "text",
    "thinking": "thinking",
}
_MEDIA_PARTS = frozenset({"image_url", "input_audio", "audio_url", "video_url", "file"})
_MOST_INPUTS = 2048
"""As OpenAI's embeddings endpoint."""


class Size:
    """Characters of text and number of media parts."""

    __slots__ = ("characters", "media")

    def __init__(self) -> None:
        self.characters = 0
        self.media = 0


def check_messages(messages: Any) -> Size:  # noqa: ANN401 -- parsed JSON
    """Check ``messages`` of a chat; raises Invalid."""
    if type(messages) is not list:
        raise wrong_type("messages", "a list")
    if not messages:
        raise Invalid("messages: at least one is needed", param="messages", code="missing_parameter")
    size = Size()
    for index, message in enumerate(messages):
        _message(f"messages[{index}]", message, size)
    return size


def _message(param: str, message: Any, size: Size) -> None:  # noqa: ANN401 -- parsed JSON
    if type(message) is not dict:
        raise wrong_type(param, "a map")
    role = message.get("role")
    if type(role) is not str or role not in ROLES:
        raise Invalid(f"{param}.role: must be one of {', '.join(sorted(ROLES))}", param=f"{param}.role")
    content = message.get("content")
    if type(content) is str:
        size.characters += len(content)
    elif type(content) is list:
        for index, part in enumerate(content):
            _part(f"{param}.content[{index}]", part, size)
    elif content is not None:
        raise wrong_type(f"{param}.content", "a text or a list of parts")
    elif role != "assistant":
        raise Invalid(f"{param}.content: is needed", param=f"{param}.content", code="missing_parameter")
    if "tool_calls" in message:
        _tool_calls(f"{param}.tool_calls", message["tool_calls"], size)


def _part(param: str, part: Any, size: Size) -> None:  # noqa: ANN401 -- parsed JSON
    if type(part) is not dict:
        raise wrong_type(param, "a map")
    kind = part.get("type")
    field = _TEXT_PARTS.get(kind) if type(kind) is str else None
    if field is not None:
        text = part.get(field)
        if type(text) is not str:
            raise wrong_type(f"{param}.{field}", "a text")
        size.characters += len(text)
    elif type(kind) is str and kind in _MEDIA_PARTS:
        size.media += 1
        _media(param, part, kind)
    else:
        known = ", ".join(sorted({*_TEXT_PARTS, *_MEDIA_PARTS}))
        raise Invalid(f"{param}.type: must be one of {known}", param=f"{param}.type")


def _media(param: str, part: dict[str, Any], kind: str) -> None:
    """A media part names web addresses or carries its data; a local file of the engine's is neither."""
    source = part.get(kind)
    if kind.endswith("_url"):
        url = source.get("url") if type(source) is dict else source
        if type(url) is not str:
            raise wrong_type(f"{param}.{kind}.url", "a text")
        if not url.startswith(("https://", "http://", "data:")):
            raise Invalid(f"{param}.{kind}.url: must be an http(s) or data URL", param=f"{param}.{kind}.url")
    elif type(source) is not dict:
        raise wrong_type(f"{param}.{kind}", "a map")


def _tool_calls(param: str, calls: Any, size: Size) -> None:  # noqa: ANN401 -- parsed JSON
    if calls is None:
        return
    if type(calls) is not list:
        raise wrong_type(param, "a list")
    for index, call in enumerate(calls):
        function = call.get("function") if type(call) is dict else None
        if type(function) is not dict or type(function.get("name")) is not str:
            raise wrong_type(f"{param}[{index}].function", "a map with a name")
        arguments = function.get("arguments", "")
        if type(arguments) is not str:
            raise wrong_type(f"{param}[{index}].function.arguments", "a text")
        size.characters += len(function["name"]) + len(arguments)


def check_inputs(param: str, inputs: Any) -> tuple[int, Size]:  # noqa: ANN401 -- parsed JSON
    """Check a prompt or an embedding's input: text, texts, token ids, or lists of them. Returns how many there are."""
    size = Size()
    if type(inputs) is str:
        size.characters = len(inputs)
        return 1, size
    if type(inputs) is not list:
        raise wrong_type(param, "a text, a list of texts, or token ids")
    if not inputs:
        raise Invalid(f"{param}: at least one is needed", param=param, code="missing_parameter")
    first = type(inputs[0])
    if first is int:
        _token_ids(param, inputs)
        return 1, size
    if len(inputs) > _MOST_INPUTS:
        raise Invalid(f"{param}: more than {_MOST_INPUTS} items", param=param, code="too_long")
    for index, item in enumerate(inputs):
        if type(item) is not first or first not in (str, list):
            raise wrong_type(f"{param}[{index}]", "a text or token ids, all of one form")
        if first is str:
            size.characters += len(item)
        else:
            _token_ids(f"{param}[{index}]", item)
    return len(inputs), size


def _token_ids(param: str, ids: list[Any]) -> None:
    for token in ids:
        if type(token) is not int or token < 0:
            raise wrong_type(param, "token ids, which are whole numbers from 0")
