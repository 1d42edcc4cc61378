"""What the tests of the pages rest on can tell right from wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs import markdown, shell, test_names
from tests.docs.markdown import Block, Said

PAGE = """\
# Two `<words>`, and a dash-ed one

Text with [a
link](other.md#place "title"), `code [no](link.md)` and ![a picture](images/a.svg).

## Again
## Again

```console cluster
$ llmgen validate \\
    spec.yaml --formt json
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> markdown.Page:
    monkeypatch.setattr(markdown, "ROOT", tmp_path)
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return markdown.read(path)


def test_anchors_are_those_of_github(page: markdown.Page):
    assert page.anchors == {"two-words-and-a-dash-ed-one", "again", "again-1"}


def test_links_are_found_over_lines_and_not_in_code(page: markdown.Page):
    assert page.links == (Said(line=3, text="other.md#place"), Said(line=4, text="images/a.svg"))


def test_blocks_know_their_language_tags_and_line(page: markdown.Page):
    block = page.blocks[0]
    assert (block.language, block.tags, block.line) == ("console", ("cluster",), 10)


def test_an_option_that_does_not_exist_is_found(page: markdown.Page):
    found = [
        test_names._unknown("llmgen", words)
        for said in test_names._code(page)
        for words in test_names._calls(said.text, "llmgen")
    ]
    assert found == ["llmgen validate has no option --formt"]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("llmgen validate spec.yaml --strict", None),
        ("llmgen key new --format json | head", None),
        ("llmgen valdate spec.yaml", "llmgen valdate: no such command"),
        ("llmgen key old", "llmgen key old: no such command"),
        ("git log && llmgen size --gpus L4", "llmgen size has no option --gpus"),
    ],
)
def test_calls(call: str, problem: str | None):
    assert [test_names._unknown("llmgen", words) for words in test_names._calls(call, "llmgen")] == [problem]


def test_commands_go_on_after_a_backslash_and_in_a_here_document():
    text = "$ one \\\n  more\nshown\n$ cat <<END\n$ not a command\nEND\n"
    block = Block(page=Path("p.md"), line=5, language="console", tags=(), text=text)
    first, second = shell.commands(block)
    assert (first.text, first.shown, first.line) == ("one \\\n  more", ("shown",), 5)
    assert (second.text, second.shown, second.line) == ("cat <<END\n$ not a command\nEND", (), 8)


def test_a_shell_keeps_its_state_and_tells_codes(tmp_path: Path):
    with shell.Shell(tmp_path) as reader:
        assert reader.run("x=1; cd / && false") == (1, "")
        assert reader.run("echo $x $PWD") == (0, "1 /\n")
