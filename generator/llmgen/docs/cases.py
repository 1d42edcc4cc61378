"""docs/reference/e2e.md: the end-to-end cases, from the functions in tests/e2e themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from llmgen.docs import markdown

SUITE = Path(__file__).parents[3] / "tests" / "e2e"


def page() -> str:
    """Return docs/reference/e2e.md. Needs the repository: an installed llmgen has no tests."""
    text = markdown.header(
        "tests/e2e/test_*.py",
        "End-to-end cases",
        "What `make e2e` does to a release on a real cluster, and what its clients may see. Requests come from the openai client with "
        "`max_retries=0`, streamed and whole. One is lost when a token, the finish reason or the final usage is missing. How to run "
        "it: [tests/e2e](../../tests/e2e/README.md).",
    )
    return text + "".join(f"\n{section}" for section in map(_section, sorted(SUITE.glob("test_*.py"))))


def _section(file: Path) -> str:
    module = ast.parse(file.read_text(encoding="utf-8"))
    heading = file.stem.removeprefix("test_").replace("_", " ").capitalize()
    rows = [{"Case": name, "Clients see": seen} for name, seen in _cases(module)]
    return f"## {heading}\n\n{markdown.wrapped(_said(module))}\n\n{markdown.table(rows)}"


def _cases(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " "), _said(node)


def _said(node: ast.Module | ast.FunctionDef) -> str:
    """Its docstring. Raises ValueError without one: a case that does not say what it proves is not finished."""
    said = ast.get_docstring(node)
    if said is None:
        raise ValueError(f"{getattr(node, 'name', 'a file of cases')} has no docstring")
    return said
