"""Pick a reporter by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmgen.problems.model import Problem

Format: TypeAlias = Literal["text", "json", "github", "sarif"]

FORMATS: tuple[Format, ...] = get_args(Format)


def report(problems: Iterable[Problem], format: Format = "text", *, colour: bool = False) -> str:  # noqa: A002
    """Return ``problems`` in file order as text that ends with a line end, or "" for no problems in text and github.

    ``json`` and ``sarif`` are complete documents even when nothing is wrong. ``colour`` only matters to ``text``.
    """
    from llmgen.problems.model import in_file_order  # noqa: PLC0415 -- reporters load when something is reported

    ordered = in_file_order(problems)
    if format == "json":
        from llmgen.problems.report_json import as_json  # noqa: PLC0415

        return as_json(ordered)
    if format == "github":
        from llmgen.problems.report_github import as_github  # noqa: PLC0415

        return as_github(ordered)
    if format == "sarif":
        from llmgen.problems.report_sarif import as_sarif  # noqa: PLC0415

        return as_sarif(ordered)
    from llmgen.problems.report_text import as_text  # noqa: PLC0415

    return as_text(ordered, colour=colour)
