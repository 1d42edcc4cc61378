"""What is generated and committed is what the code generates now."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from llmgen import docs
from llmgen.docs import markdown

REPOSITORY = Path(__file__).parents[2]
GENERATED = {**dict.fromkeys(docs.bundles(), "make schemas"), **dict.fromkeys(docs.pages(), "make docs")}
README = REPOSITORY / "charts" / "llm-serving" / "README.md"


@pytest.mark.parametrize("path", GENERATED)
def test_is_current(path: str) -> None:
    build = {**docs.bundles(), **docs.pages()}[path]
    file = REPOSITORY / path
    assert file.is_file(), f"{path} is missing: {GENERATED[path]}"
    assert file.read_text(encoding="utf-8") == build(), f"{path} is old: {GENERATED[path]}"


def test_the_values_table_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == docs.between_markers(text), "make docs"


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="values:begin"):
        docs.between_markers("# A chart\n")


@pytest.mark.parametrize("path", docs.pages())
def test_links_lead_to_headings(path: str) -> None:
    text = docs.pages()[path]()
    headings = [
        markdown.slug(line.lstrip("# ").replace("`", "")) for line in text.splitlines() if re.match(r"#{1,6} ", line)
    ]
    assert len(headings) == len(set(headings)), "two headings with one anchor"
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= set(headings)


@pytest.mark.parametrize("path", docs.pages())
def test_tables_are_whole(path: str) -> None:
    rows = [line for line in docs.pages()[path]().splitlines() if line.startswith("|")]
    for one, next_ in itertools.pairwise(rows):
        if set(next_) <= set("|-: "):
            assert len(re.split(r"(?<!\\)\|", one)) == len(re.split(r"(?<!\\)\|", next_))
    assert all(line.endswith("|") for line in rows)


def test_every_property_is_on_its_page() -> None:
    from tests.contract.spec_schema import PROPERTIES  # noqa: PLC0415 -- a module of this folder

    page = docs.pages()["docs/reference/spec.md"]()
    missing = [
        item.dotted for item in PROPERTIES if item.place[0] != "environments" and f"`{item.place[-1]}`" not in page
    ]
    assert missing == []


def test_no_page_names_a_folder_of_this_machine() -> None:
    for path, build in docs.pages().items():
        assert str(REPOSITORY) not in build(), path
