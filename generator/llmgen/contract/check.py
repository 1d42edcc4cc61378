"""Check a document against a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmgen.contract.compile import Compiled
from llmgen.contract.run import Run
from llmgen.problems.model import in_file_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgen.problems.model import Path, Problem
    from llmgen.source.document import Document

_compiled: dict[int, Compiled] = {}


def check(document: Document, schema: Mapping[str, Any], *, at: Path = ()) -> list[Problem]:
    """Return every way in which the value at ``at`` in ``document`` breaks ``schema``, in file order.

    ``schema`` must be self-contained (``llmgen.bundle``); it is compiled on first use and must not change after.
    Raises contract.SchemaError where the schema uses a keyword that is not understood, KeyError where ``at`` is not
    there.
    """
    compiled = _compiled.get(id(schema))
    if compiled is None or compiled.schema is not schema:
        compiled = _compiled[id(schema)] = Compiled(schema)
    run = Run(document, compiled.places, at)
    compiled.root(document.get(at), run)
    return in_file_order(run.problems)
