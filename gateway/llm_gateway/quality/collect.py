"""What an answer says, gathered from its events or its whole body. Bounded; it never raises, it gives up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

MOST_CHARACTERS = 64 << 10  # of contents and arguments in one answer: what is judged at its end holds the event loop
MOST_PARTS = 256  # choices, and calls of each: more than any request may ask for


@dataclass(slots=True)
class Said:
    """One choice. cut: it ended at its token limit or at a stop sequence of the client. calls: function name and arguments, as text."""

    content: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    refused: bool = False
    cut: bool = False


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function
    index: int | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    message: _Message | None = None  # of a whole chat answer
    delta: _Message | None = None  # of a stream
    text: str | None = None  # of a completion, streamed or not
    finish_reason: str | None = None
    stop_reason: int | str | None = None  # vLLM: the stop sequence that was met, or the token


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class Collector:
    """One answer: ``events`` for each piece of a stream, or ``whole`` once; then ``said``."""

    __slots__ = ("_choices", "_lost", "_room")

    def __init__(self) -> None:
        self._choices: dict[int, _Parts] = {}
        self._room = MOST_CHARACTERS
        self._lost = False

    def events(self, events: bytes) -> None:
        """Take events, each of them whole."""
        if self._lost:
            return
        for line in events.splitlines():
            if line.startswith(b"data:") and not line.endswith(b"[DONE]"):
                self.whole(line[5:])

    def whole(self, body: bytes) -> None:
        """Take a whole answer, or the data of one event."""
        if self._lost:
            return
        try:
            answer = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.lose()
            return
        for choice in answer.choices or ():
            parts = self._choices.get(choice.index)
            if parts is None:
                if len(self._choices) >= MOST_PARTS:
                    self.lose()
                    return
                parts = self._choices[choice.index] = _Parts()
            self._room -= parts.add(choice)
            if self._room < 0 or len(parts.calls) > MOST_PARTS:
                self.lose()
                return

    def lose(self) -> None:
        """Give up: the answer is too long, or in a form that is not known."""
        self._lost = True
        self._choices.clear()

    def said(self) -> Iterable[Said] | None:
        """Every choice; None where it is not known what was said."""
        return None if self._lost else [parts.said() for parts in self._choices.values()]


class _Parts:
    """One choice as it comes in."""

    __slots__ = ("calls", "content", "cut", "refused")

    def __init__(self) -> None:
        self.content: list[str] = []
        self.calls: dict[int, tuple[list[str], list[str]]] = {}  # parts of name and arguments by index
        self.refused = False
        self.cut = False

    def add(self, choice: _Choice) -> int:
        """Take what a choice says; how many characters that was."""
        size = 0
        message = choice.delta or choice.message
        content = message.content if message is not None else choice.text
        if content:
            self.content.append(content)
            size = len(content)
        if message is not None:
            self.refused = self.refused or bool(message.refusal)
            for place, call in enumerate(message.tool_calls or ()):
                size += self._call(call, place)
        if choice.finish_reason is not None:
            self.refused = self.refused or choice.finish_reason == "content_filter"
            self.cut = choice.finish_reason == "length" or isinstance(choice.stop_reason, str)
        return size

    def _call(self, call: _Call, place: int) -> int:
        names, arguments = self.calls.setdefault(place if call.index is None else call.index, ([], []))
        name, argument = call.function.name or "", call.function.arguments or ""
        names.append(name)
        arguments.append(argument)
        return len(name) + len(argument)

    def said(self) -> Said:
        calls = [("".join(names), "".join(arguments)) for names, arguments in self.calls.values()]
        return Said("".join(self.content), calls, self.refused, self.cut)
