"""Colour: on a terminal only, never with NO_COLOR, never in machine formats."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from llmgen.cli import output
from llmgen.pipeline import validate


class Terminal(io.StringIO):
    """Standard error of a person."""

    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, style: str, path: Path) -> str:
    output.show(validate(str(path)), style, to=stream)  # type: ignore[arg-type]
    return stream.getvalue()


def test_colour_on_a_terminal(broken: Path) -> None:
    assert "\x1b[" in shown(Terminal(), "text", broken)


def test_no_colour_elsewhere(broken: Path) -> None:
    assert "\x1b" not in shown(io.StringIO(), "text", broken)


@pytest.mark.parametrize("value", ["1", "yes", "0"])
def test_no_color(broken: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    assert "\x1b" not in shown(Terminal(), "text", broken)


def test_an_empty_no_color_does_not_count(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b[" in shown(Terminal(), "text", broken)


@pytest.mark.parametrize("style", ["json", "github", "sarif"])
def test_machine_formats_have_no_colour(broken: Path, style: str) -> None:
    assert "\x1b" not in shown(Terminal(), style, broken)


def test_colours_change_no_text(broken: Path) -> None:
    import click  # noqa: PLC0415 -- only to strip

    assert click.unstyle(shown(Terminal(), "text", broken)) == shown(io.StringIO(), "text", broken)
