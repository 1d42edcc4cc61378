"""Reading a file: what the file system and the encoding can do wrong."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
import yaml

from llmgen.problems import ProblemsFound, Span
from llmgen.source import Reading, load, read, read_text

if TYPE_CHECKING:
    from pathlib import Path


def ids(reading: Reading) -> list[str]:
    return [problem.id for problem in reading.problems]


def test_plain_file(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("a: 1\nb: [x, 2.5, true, null]\n")
    document = load(file)
    assert document.data == {"a": 1, "b": ["x", 2.5, True, None]}
    assert document.file == str(file)
    assert document.suspects == frozenset()


def test_too_large_is_refused_before_parsing(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_bytes(b"\x00" * 10_000_001)
    (problem,) = read(file).problems
    assert (problem.id, problem.message) == ("LLM005", "the file is 10.0 MB large; at most 10 MB are read")
    file.write_bytes(b"a: 1\n")
    assert ids(read(file, limit_bytes=4)) == ["LLM005"]
    assert ids(read(file, limit_bytes=5)) == []


def test_ten_megabytes_minus_a_bit_are_read(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("a: |\n" + "  text text text text\n" * 400_000)
    assert len(load(file).data["a"]) == 400_000 * 20


@pytest.mark.parametrize("name", ["nothing.yaml", "nothing/at/all.yaml", "spec.yaml/inside"])
def test_missing(tmp_path: Path, name: str) -> None:
    (tmp_path / "spec.yaml").write_text("a: 1\n")
    reading = read(tmp_path / name)
    assert ids(reading) == ["LLM001"]
    assert reading.problems[0].span == Span(file=str(tmp_path / name))
    assert reading.document is None


def test_directory_without_spec(tmp_path: Path) -> None:
    (problem,) = read(tmp_path).problems
    assert (problem.id, problem.hint) == ("LLM002", "name the file inside it")


def test_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert ids(read(tmp_path / "pipe")) == ["LLM003"]


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("a: 1\n")

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)  # root may read everything, so chmod proves nothing
    (problem,) = read(file).problems
    assert (problem.id, problem.message) == ("LLM003", "cannot be read: permission denied")


def test_path_with_nul() -> None:
    assert ids(read("a\0b")) == ["LLM003"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a: yes\n")))
    (problem,) = read("-").problems
    assert problem.span == Span(file="<stdin>", line=1, col=4, end_col=7)


def test_load_raises_everything_in_file_order() -> None:
    with pytest.raises(ProblemsFound) as caught:
        load("tests/nowhere.yaml")
    assert [problem.id for problem in caught.value.problems] == ["LLM001"]


def test_broken_text_has_no_document_but_odd_values_have() -> None:
    assert read_text("a: [1\n", "f").document is None
    reading = read_text("a: yes\nb: 1e3\nc: 1\n", "f")
    assert reading.document is not None
    assert reading.document.suspects == {("a",), ("b",)}
    assert reading.document.data["c"] == 1


def test_many_unreadable_lines_are_summed_up(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_bytes(b"a: \xff\n" * 500)
    problems = [problem for problem in read(file).problems if problem.id == "LLM006"]
    assert len(problems) == 10
    assert problems[-1].message.endswith("(and so on in 490 more lines)")


def test_syntax_errors_in_one_block_are_all_found() -> None:
    text = "models:\n" + "".join(f"  m{at}:\n    tags: [a, b\n    class: batch\n" for at in range(5))
    reading = read_text(text, "f")
    assert [(problem.id, problem.span.line) for problem in reading.problems] == [
        ("LLM013", 3),
        ("LLM013", 6),
        ("LLM013", 9),
        ("LLM013", 12),
        ("LLM013", 15),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_line_ends(end: str) -> None:
    reading = read_text(f"a: 1{end}b: yes{end}", "f")
    assert [(problem.span.line, problem.span.col, problem.span.text) for problem in reading.problems] == [
        (2, 4, "b: yes")
    ]


def test_without_libyaml_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x {b: [1, 2]}\nc: *x\nd: yes\nd: 1\n"
    fast = read_text(text, "f")
    monkeypatch.setattr("llmgen.source.compose._Loader", yaml.SafeLoader)
    slow = read_text(text, "f")
    assert slow.problems == fast.problems
    assert slow.document.data == fast.document.data
    assert set(ids(read_text("a: b: c\n", "f"))) == {"LLM012"}
    assert set(ids(read_text("a: [1\nb: 2\n", "f"))) == {"LLM012"}  # other words, so only the general message
