"""Parser events to plain data and positions in one pass, collecting every structural problem on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from llmgen.problems.model import Path, Problem, Related
from llmgen.source.document import Mark, Node
from llmgen.source.scalars import Refusal, resolve

if TYPE_CHECKING:
    from yaml.events import CollectionStartEvent, Event

    from llmgen.source.document import Source

DEEPEST = 50
"""Levels of nesting; the contracts need less than fifteen, and Python's own stack ends near a thousand."""

MOST_EXPANDED = 100_000
"""Values that aliases may stand for in one document: ten times a large spec, far below what fills memory."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML has it; many times faster


class Composer:
    """Composes one document of ``text``; ``problems`` and ``suspects`` grow while it runs.

    The parser's own errors (yaml.MarkedYAMLError) pass through; what was found until then stays in ``problems``.
    """

    def __init__(self, source: Source, text: str) -> None:
        """Prepare to read ``text``, whose lines are ``source.lines``."""
        self.source = source
        self.problems: list[Problem] = []
        self.suspects: set[Path] = set()
        self.last_scalar: ScalarEvent | None = None
        self._loader = _Loader(text)
        self._path: list[str | int] = []
        self._anchors: dict[str, tuple[Any, Node, int]] = {}
        self._open_anchors: set[str] = set()
        self._count = 0
        self._expanded = 0

    def compose(self) -> tuple[Any, Node] | None:
        """Return the data and positions of the only document, None if there is none."""
        found: tuple[Any, Node] | None = None
        while not isinstance(event := self._next(), StreamEndEvent):
            if not isinstance(event, DocumentStartEvent):
                continue
            if found is not None:
                self._report("LLM009", "a second document starts here", event, hint="keep one document per file")
                while not isinstance(self._next(), StreamEndEvent):
                    pass
                break
            found = self._node(self._next())
        return found

    def _next(self) -> Event:
        event: Event = self._loader.get_event()
        return event

    def _node(self, event: Event) -> tuple[Any, Node]:
        self._count += 1
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        assert isinstance(event, (MappingStartEvent, SequenceStartEvent))  # noqa: S101 -- no other event starts a node
        return self._collection(event)

    def _scalar(self, event: ScalarEvent) -> tuple[Any, Node]:
        self.last_scalar = event
        node = Node(self.source, _mark(event))
        value: Any = event.value
        if event.tag is not None:
            self._refuse_tag(event)
        elif not event.style:
            value = resolve(event.value)
            if isinstance(value, Refusal):
                self._report(value.id, value.message, event, hint=value.hint, suspect=True)
                value = value.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, node, 1)
        return value, node

    def _alias(self, event: AliasEvent) -> tuple[Any, Node]:
        node = Node(self.source, _mark(event))
        if event.anchor in self._open_anchors:
            message = f"'*{event.anchor}' stands inside the value it stands for"
            self._report("LLM031", message, event, hint="write the value out", suspect=True)
            return None, node
        if event.anchor not in self._anchors:
            message = f"'*{event.anchor}' stands for nothing: no earlier value is marked '&{event.anchor}'"
            self._report("LLM034", message, event, hint="put the value in quotes if it is text", suspect=True)
            return None, node
        value, anchored, size = self._anchors[event.anchor]
        self._count += size
        self._expanded += size
        if self._expanded > MOST_EXPANDED:
            if self._expanded - size <= MOST_EXPANDED:
                message = f"up to here aliases stand for more than {MOST_EXPANDED} values"
                self._report("LLM032", message, event, hint="write the values out instead of nesting aliases")
            self.suspects.add(tuple(self._path))
            return None, node
        node.children = anchored.children
        return value, node

    def _collection(self, event: CollectionStartEvent) -> tuple[Any, Node]:
        before = self._count
        if event.tag is not None:
            self._refuse_tag(event)
        if event.anchor is not None:
            self._open_anchors.add(event.anchor)
        node = Node(self.source, _mark(event))
        value: Any
        if len(self._path) >= DEEPEST:
            value, end = self._too_deep(event)
        elif isinstance(event, MappingStartEvent):
            value, end = self._mapping(node)
        else:
            value, end = self._sequence(node)
        stop = _mark(end)
        node.value = Mark(node.value.line, node.value.col, stop.end_line, stop.end_col)
        # Flow collections ({}, []) have their brackets in the text; block collections end where the next thing starts.
        node.block = not event.flow_style or node.value.line != stop.end_line
        if event.anchor is not None:
            self._open_anchors.discard(event.anchor)
            self._anchors[event.anchor] = (value, node, self._count - before + 1)
        return value, node

    def _mapping(self, node: Node) -> tuple[dict[str, Any], Event]:
        data: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(event)
            if key is None:
                self._skip(self._next())
                continue
            self._path.append(key)
            if key in data:
                self._report_duplicate(key, event, node.children[key])
            value, child = self._node(self._next())
            self._path.pop()
            if key not in data:
                data[key] = value
                child.key = _mark(event)
                node.children[key] = child
        return data, event

    def _sequence(self, node: Node) -> tuple[list[Any], Event]:
        data: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            self._path.append(len(data))
            value, child = self._node(event)
            self._path.pop()
            node.children[len(data)] = child
            data.append(value)
        return data, event

    def _key(self, event: Event) -> str | None:
        """Return the key's text; None where the entry must be skipped."""
        if not isinstance(event, ScalarEvent):
            what = "an alias" if isinstance(event, AliasEvent) else "a map or list"
            hint = "write the key out"
            if isinstance(event, MappingStartEvent) and event.flow_style:
                hint += ", or put the whole value in quotes if '{{' starts a template expression"
            self._report("LLM021", f"a key must be text, not {what}", event, hint=hint)
            self._skip(event)
            return None
        self.last_scalar = event
        text: str = event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (text, Node(self.source, _mark(event)), 1)
        if event.tag is not None:
            self._refuse_tag(event)
        elif not event.style:
            if text == "<<":
                self._report("LLM030", "merge keys are not supported", event, hint="write the merged keys out here")
                return None
            self._check_plain_key(text, event)
        return text

    def _check_plain_key(self, text: str, event: ScalarEvent) -> None:
        value = resolve(text)
        if isinstance(value, str):
            return
        at = (*self._path, text)
        self.suspects.add(at)
        if isinstance(value, Refusal) and value.id == "LLM023":
            message = f"'{text}' as a key means {str(value.value).lower()} to some YAML readers and text to others"
            self._report("LLM022", message, event, path=at, hint=f'put it in quotes: "{text}"')
            return
        what = "empty" if text == "" else f"text, and '{text}' without quotes is not"
        message = f"a key must not be {what}" if text == "" else f"a key must be {what}"
        self._report("LLM021", message, event, path=at, hint=f'put it in quotes: "{text}"')

    def _skip(self, event: Event) -> None:
        depth = 0
        while True:
            if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
                depth += 1
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                depth -= 1
            if depth == 0:
                return
            event = self._next()

    def _too_deep(self, event: Event) -> tuple[None, Event]:
        message = f"nested more than {DEEPEST} levels deep"
        self._report(
            "LLM014", message, event, path=tuple(self._path[:1]), hint="remove the surplus levels", suspect=True
        )
        depth = 1
        while depth:
            event = self._next()
            depth += isinstance(event, (MappingStartEvent, SequenceStartEvent))
            depth -= isinstance(event, (MappingEndEvent, SequenceEndEvent))
        return None, event

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        hint = "remove it, or put the whole value in quotes if it is text"
        self._report("LLM033", f"the tag '{tag}' is not supported", event, hint=hint, suspect=True)

    def _report_duplicate(self, key: str, event: Event, first: Node) -> None:
        node = Node(self.source, _mark(event))
        related = (Related(message="first set here", span=first.key_span()),)
        self.problems.append(
            Problem(
                id="LLM020",
                message=f"the key '{key}' is set twice in the same map",
                path=tuple(self._path),
                span=node.value_span(),
                hint="remove one of the two",
                related=related,
            ),
        )

    def _report(
        self,
        id: str,  # noqa: A002 -- an id is what it is
        message: str,
        event: Event,
        *,
        hint: str,
        path: Path | None = None,
        suspect: bool = False,
    ) -> None:
        at = tuple(self._path) if path is None else path
        if suspect:
            self.suspects.add(at)
        span = Node(self.source, _mark(event)).value_span()
        self.problems.append(Problem(id=id, message=message, path=at, span=span, hint=hint))


def _mark(event: Event) -> Mark:
    start: Any = event.start_mark
    end: Any = event.end_mark  # the stubs allow None, the parser sets both on every event
    return Mark(start.line, start.column, end.line, end.column)
