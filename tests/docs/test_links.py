"""Every relative link leads somewhere, and every file that a page names is there."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
from tests.docs.markdown import ROOT, Page, pages, read

# Folders that paths in prose are relative to, beside the page's own folder and the root.
BASES = ("generator/llmgen", "charts/llm-serving", "tests/fakes")
# Files that readers make: named in guides, not in the repository.
READERS_OWN = {"rollout.yaml", "overrides.yaml"}
PATH = re.compile(r"[\w.{},*-]+(?:/[\w.{},*-]+)+/?")
SUFFIX = re.compile(r"\.(?:md|ya?ml|py|tpl|json|jsonl|sh|svg|png|lua|lock|toml|js|txt|go)$")


def _id(page: Page) -> str:
    return page.name


@pytest.mark.parametrize("page", pages(), ids=_id)
def test_links_lead_somewhere(page: Page):
    wrong = []
    for link in page.links:
        if re.match(r"[a-z][a-z0-9+.-]*:", link.text):
            continue
        file, _, anchor = link.text.partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        if not target.exists():
            wrong.append(f"{page.name}:{link.line}: {link.text}: no such file")
        elif anchor and anchor not in read(target).anchors:
            wrong.append(f"{page.name}:{link.line}: {link.text}: no such heading")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", [page for page in pages() if page.path.name != "CHANGELOG.md"], ids=_id)
def test_files_that_are_named_exist(page: Page):
    wrong = [
        f"{page.name}:{span.line}: `{word}`: no such file"
        for span in page.spans
        for word in PATH.findall(re.sub(r"<[^<>]*>", "*", span.text))
        if _ours(word, page) and not _exists(word, page)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", [page for page in pages() if page.name.startswith("docs/how-to/")], ids=_id)
def test_every_guide_begins_with_its_goal_and_says_what_goes_wrong(page: Page):
    title, goal, rest = page.path.read_text(encoding="utf-8").split("\n\n", 2)
    assert title.startswith("# ")
    assert not goal.startswith(("#", "```", "- ", "|"))
    assert "\n## What goes wrong\n" in rest


def test_every_page_is_reachable_from_the_readme():
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        todo += [
            (path.parent / link.text.partition("#")[0]).resolve() for link in read(path).links if ":" not in link.text
        ]
    missing = sorted(page.name for page in pages() if page.name.startswith("docs/") and page.path not in seen)
    assert not missing, f"no link leads from README.md to {missing}"


def _ours(word: str, page: Page) -> bool:
    """Whether a word reads as a path of this repository: it begins with a folder that is here, and ends like a file or a folder."""
    first = word.split("/", 1)[0]
    known = any((base / first).is_dir() for base in _bases(page)) and first not in {".", ".."}
    return known and bool(SUFFIX.search(word) or word.endswith("/")) and Path(word).name not in READERS_OWN


def _exists(word: str, page: Page) -> bool:
    return all(any(any(base.glob(form.rstrip("/"))) for base in _bases(page)) for form in _forms(word))


def _bases(page: Page) -> tuple[Path, ...]:
    return (ROOT, page.path.parent, *(ROOT / base for base in BASES))


def _forms(word: str) -> list[str]:
    """The paths that braces stand for."""
    braces = re.search(r"\{([^{}]*)\}", word)
    if not braces:
        return [word]
    parts = (word[: braces.start()] + part + word[braces.end() :] for part in braces[1].split(","))
    return list(chain.from_iterable(_forms(part) for part in parts))
