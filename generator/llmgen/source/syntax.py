"""The parser's complaints in plain words, at the line a person has to change.

The wordings on the left are libyaml's (src/scanner.c, src/parser.c of libyaml 0.2); PyYAML's own parser, which is used
where libyaml is not compiled in, words some of them differently and then falls to the general message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmgen.problems.model import Problem, Span
from llmgen.source.lines import indent_of, is_blank, line_before
from llmgen.source.trouble import Quoted, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.error import MarkedYAMLError
    from yaml.events import ScalarEvent

    from llmgen.source.document import Source

_QUOTE_HINT = "put the whole value in double quotes"
_KEY_WITHOUT_SPACE = re.compile(r"\s*(?:- )?([A-Za-z][\w.-]*):(\S.*)")


def translate(error: MarkedYAMLError, source: Source, last_scalar: ScalarEvent | None) -> list[Problem]:
    """Return the problem behind a parser error; more than one where a whole class of lines shares it (tabs)."""
    at = error.problem_mark or error.context_mark
    what = error.problem or error.context or "unreadable"
    if at is None:
        return [Problem(id="LLM012", message=f"not valid YAML: {what}", span=Span(file=source.file))]
    trouble = Trouble(what, at, error.context_mark, _quoted(last_scalar), source)
    if "tab character" in what or (trouble.sign == "\t" and "cannot start any token" in what):
        return _tabs(trouble)
    for words, explain in _EXPLANATIONS:
        if words in what:
            return [explain(trouble)]
    return [trouble.problem("LLM012", f"not valid YAML: {what}", hint="check the quotes, colons and indentation here")]


def _quoted(scalar: ScalarEvent | None) -> Quoted | None:
    if scalar is None or scalar.style not in {'"', "'"}:
        return None
    start: Any = scalar.start_mark
    end: Any = scalar.end_mark
    return Quoted(str(scalar.style), start.line, start.column, end.line)


def _tabs(trouble: Trouble) -> list[Problem]:
    """Report the line that stopped the parser, and every other line that starts with a tab."""
    lines = trouble.source.lines
    numbers = {trouble.at.line} | {at for at, line in enumerate(lines) if line.startswith("\t") and not is_blank(line)}
    problems = []
    for number in sorted(numbers):
        col = max(lines[number].find("\t"), 0)
        width = indent_of(lines[number]) - col
        message = "this line is indented with a tab; YAML allows only spaces"
        hint = "replace each tab by two spaces"
        problems.append(trouble.problem("LLM010", message, line=number, col=col, width=max(width, 1), hint=hint))
    return problems


def _bad_start(trouble: Trouble) -> Problem:
    return trouble.problem("LLM012", f"a value cannot start with '{trouble.sign}'", hint=_QUOTE_HINT, width=0)


def _mapping_value(trouble: Trouble) -> Problem:
    lines = list(trouble.source.lines)
    line = trouble.line
    before = line_before(lines, trouble.at.line)
    first_key = ": " not in line[: trouble.at.column]
    if first_key and before is not None:
        above, depth = lines[before], indent_of(line)
        if indent_of(above) < depth and re.search(r":\s+\S|^\s*- \S", above):
            return _too_far_right(trouble, before)
        if indent_of(above) <= depth and not re.search(r":(\s|$)", above):
            return _no_colon(trouble, before)
    return trouble.problem(
        "LLM012", "a second ': ' in one line", hint=f"{_QUOTE_HINT} if the colon belongs to the text"
    )


def _too_far_right(trouble: Trouble, before: int) -> Problem:
    depth, above = indent_of(trouble.line), indent_of(trouble.source.lines[before])
    message = f"this line is indented by {_spaces(depth)}, deeper than line {before + 1}, which already has a value"
    return trouble.problem(
        "LLM011", message, col=0, width=depth, hint=f"indent it by {_spaces(above)} like line {before + 1}"
    )


def _no_colon(trouble: Trouble, number: int) -> Problem:
    line = trouble.source.lines[number]
    col = indent_of(line)
    word = line.strip()
    glued = _KEY_WITHOUT_SPACE.fullmatch(line.rstrip())
    if glued:
        message = f"no space after the colon of '{glued[1]}'"
        return trouble.problem(
            "LLM012",
            message,
            line=number,
            col=col,
            width=0,
            hint=f"write '{glued[1]}: {glued[2]}'",
        )
    message = f"'{_short(word)}' has no colon: each line is `key: value` or `- item`"
    hint = f"write '{word.split()[0]}: …'"
    return trouble.problem("LLM012", message, line=number, col=col, width=0, hint=hint)


def _missing_colon(trouble: Trouble) -> Problem:
    return _no_colon(trouble, trouble.since.line if trouble.since else trouble.at.line)


def _expected_key(trouble: Trouble) -> Problem:
    text = trouble.quoted
    if text is not None and text.line < text.end_line:
        message = f"the quote that opens here ends only in line {text.end_line + 1}"
        hint = f"close it with {text.quote} on this line"
        return trouble.problem("LLM013", message, line=text.line, col=text.col, hint=hint, width=0)
    if trouble.line[: trouble.at.column].strip() in {"", "-"}:
        return _wrong_level(trouble)
    if text is not None:
        inner = '\\"' if text.quote == '"' else "''"
        hint = f"put the whole value in quotes, and write a {text.quote} inside it as {inner}"
        return trouble.problem("LLM012", f"text after the closing {text.quote}", hint=hint, width=0)
    rest = _short(trouble.line[trouble.at.column :])
    return trouble.problem("LLM012", f"'{rest}' does not belong here", hint=_QUOTE_HINT)


def _wrong_level(trouble: Trouble) -> Problem:
    lines, number = trouble.source.lines, trouble.at.line
    depth = indent_of(trouble.line)
    if trouble.sign == ":":
        return trouble.problem("LLM012", "a key is missing before ':'", hint="write `key: value`")
    levels = _levels_above(list(lines), number)
    if depth in levels:
        kind = "a list item" if trouble.line.lstrip().startswith("- ") else "this line"
        message = f"{kind} stands where the lines beside it are of another kind"
        hint = "keep list items (`- …`) and keys (`key: …`) of one level apart"
        return trouble.problem("LLM011", message, col=depth, width=0, hint=hint)
    shown = _alternatives([str(level) for level in levels])
    message = f"this line is indented by {_spaces(depth)}, but the lines above it by {shown}"
    return trouble.problem("LLM011", message, col=0, width=max(depth, 1), hint=f"indent it by {shown} spaces")


def _levels_above(lines: list[str], number: int) -> list[int]:
    """Return the indents of the blocks that are open above line ``number``, outermost first."""
    levels: list[int] = []
    for at in range(number - 1, -1, -1):
        depth = indent_of(lines[at])
        if not is_blank(lines[at]) and (not levels or depth < levels[-1]):
            levels.append(depth)
        if levels and levels[-1] == 0:
            break
    return levels[::-1]


def _expected_item(trouble: Trouble) -> Problem:
    depth = indent_of(trouble.line)
    start = trouble.since.column if trouble.since else 0
    if depth > start:
        message = f"this line is indented by {_spaces(depth)}, which fits neither the list nor the keys of its item"
        return trouble.problem(
            "LLM011", message, col=0, width=depth, hint=f"indent the keys of an item by {start + 2} spaces"
        )
    message = "a key stands where a list item '- …' is expected"
    return trouble.problem(
        "LLM011", message, col=depth, width=0, hint="start it with '- ', or indent it as a key of its own"
    )


def _open_bracket(trouble: Trouble) -> Problem:
    since = trouble.since or trouble.at
    bracket = trouble.source.lines[since.line][since.column : since.column + 1]
    closing = {"[": "]", "{": "}"}.get(bracket, "]")
    if since.line == trouble.at.line:
        message = f"expected ',' or '{closing}' here"
        return trouble.problem("LLM013", message, hint=f"put a comma between items, and close with '{closing}'")
    message = f"'{bracket}' is never closed"
    return trouble.problem(
        "LLM013",
        message,
        line=since.line,
        col=since.column,
        width=0,
        hint=f"add '{closing}' where the value ends",
    )


def _open_quote(trouble: Trouble) -> Problem:
    since = trouble.since or trouble.at
    quote = trouble.source.lines[since.line][since.column : since.column + 1]
    message = f"the quote that opens here is never closed with {quote}"
    return trouble.problem(
        "LLM013",
        message,
        line=since.line,
        col=since.column,
        width=0,
        hint=f"add {quote} where the text ends",
    )


def _escape(trouble: Trouble) -> Problem:
    escape = trouble.line[trouble.at.column : trouble.at.column + 2]
    hint = "write the backslash twice, or use single quotes"
    return trouble.problem("LLM012", f"'{escape}' is not an escape that YAML knows", hint=hint, width=2)


def _node_content(trouble: Trouble) -> Problem:
    message = f"'{trouble.sign}' does not belong here" if trouble.sign else "a value is missing here"
    return trouble.problem("LLM012", message, hint=_QUOTE_HINT)


def _anchor_name(trouble: Trouble) -> Problem:
    since = trouble.since or trouble.at
    sign = trouble.line[since.column : since.column + 1]
    message = f"'{sign}' starts an alias or anchor in YAML and its name is missing"
    return trouble.problem("LLM012", message, col=since.column, hint=_QUOTE_HINT, width=0)


def _block_header(trouble: Trouble) -> Problem:
    message = "text on the line of '|' or '>': a text block starts on the next line"
    return trouble.problem("LLM012", message, hint="move the text to the next line, or put it in quotes", width=0)


def _tag_handle(trouble: Trouble) -> Problem:
    hint = "remove it, or put the whole value in quotes if it is text"
    return trouble.problem("LLM033", "YAML tags are not supported", hint=hint, width=0)


_EXPLANATIONS: tuple[tuple[str, Callable[[Trouble], Problem]], ...] = (
    ("cannot start any token", _bad_start),
    ("mapping values are not allowed", _mapping_value),
    ("could not find expected ':'", _missing_colon),
    ("did not find expected key", _expected_key),
    ("did not find expected '-' indicator", _expected_item),
    ("did not find expected ',' or", _open_bracket),
    ("found unexpected end of stream", _open_quote),
    ("found unexpected document indicator", _open_quote),
    ("unknown escape character", _escape),
    ("did not find expected node content", _node_content),
    ("expected alphabetic or numeric character", _anchor_name),
    ("expected comment or line break", _block_header),
    ("undefined tag handle", _tag_handle),
)


def _alternatives(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _spaces(count: int) -> str:
    return "1 space" if count == 1 else f"{count} spaces"


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 -- as much as reads well in a sentence
