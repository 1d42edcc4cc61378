"""As much of Markdown as the tests of the documentation need: headings, links, code spans and fenced blocks, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = "docs/reference/"
_NOT_OURS = {
    ".venv",
    ".bin",
    ".git",
    "build",
    "dist",
    "shared",
    "node_modules",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
}

_FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
_HTML_LINK = re.compile(r"""<(?:img|source|a)\b[^>]*?\b(?:src|srcset|href)=["'](?P<target>[^"']+)["']""")
_SPAN = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. language: the first word after the fence; tags: the others; line: of its first line of text, from 1."""

    page: Path
    line: int
    language: str
    tags: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A piece of text and the line it stands on."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One Markdown file, read once."""

    path: Path
    anchors: frozenset[str]
    links: tuple[Said, ...]
    spans: tuple[Said, ...]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))


@cache
def pages() -> tuple[Page, ...]:
    """Every Markdown file of the repository, sorted."""
    found = (path for path in ROOT.rglob("*.md") if not _NOT_OURS & set(path.relative_to(ROOT).parts))
    return tuple(read(path) for path in sorted(found))


def page(name: str) -> Page:
    """The page of a path relative to the root."""
    return next(found for found in pages() if found.name == name)


@cache
def read(path: Path) -> Page:
    """Read one file."""
    prose, blocks = _split(path)
    anchors: dict[str, int] = {}
    for said in prose:
        heading = _HEADING.match(said.text)
        if heading:
            slug = _slug(heading["text"])
            anchors[slug] = anchors.get(slug, -1) + 1
    numbered = {
        slug if not number else f"{slug}-{number}" for slug, most in anchors.items() for number in range(most + 1)
    }
    return Page(
        path=path,
        anchors=frozenset(numbered),
        links=tuple(_all(prose, (_LINK, _HTML_LINK), "target", bare=True)),
        spans=tuple(_all(prose, (_SPAN,), "code", bare=False)),
        blocks=tuple(blocks),
    )


def _split(path: Path) -> tuple[list[Said], list[Block]]:
    prose: list[Said] = []
    blocks: list[Block] = []
    mark, start, info, indent, text = "", 0, "", 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if not mark and fence:
            mark, start, info, indent, text = fence["mark"], number + 1, fence["info"], len(fence["indent"]), []
        elif mark and fence and fence["mark"].startswith(mark) and not fence["info"].strip():
            language, *tags = info.split() or [""]
            body = "".join(f"{kept}\n" for kept in text)
            blocks.append(Block(page=path, line=start, language=language, tags=tuple(tags), text=body))
            mark = ""
        elif mark:
            text.append(line[indent:] if not line[:indent].strip() else line)
        else:
            prose.append(Said(line=number, text=line))
    assert not mark, f"{path}:{start}: the block is never closed"
    return prose, blocks


def _all(prose: list[Said], patterns: tuple[re.Pattern[str], ...], group: str, *, bare: bool) -> Iterator[Said]:
    """What the patterns find, paragraph by paragraph: a link's text may run over a line's end. bare: outside of code spans only."""
    for paragraph in _paragraphs(prose):
        text = "\n".join(said.text for said in paragraph)
        if bare:
            text = _SPAN.sub(lambda found: "x" * len(found[0]) if "\n" not in found[0] else found[0], text)
        for pattern in patterns:
            for found in pattern.finditer(text):
                line = paragraph[0].line + text.count("\n", 0, found.start())
                yield Said(line=line, text=" ".join(found[group].split()) if group == "code" else found[group])


def _paragraphs(prose: list[Said]) -> Iterator[list[Said]]:
    paragraph: list[Said] = []
    for said in prose:
        if not said.text.strip() or (paragraph and said.line != paragraph[-1].line + 1):
            if paragraph:
                yield paragraph
            paragraph = []
        if said.text.strip():
            paragraph.append(said)
    if paragraph:
        yield paragraph


def _slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
