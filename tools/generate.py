"""Write what is generated from the contracts and the code: ``schemas`` (JSON bundles) or ``docs`` (reference pages).

Only files that changed are written, so that a second run touches nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from llmgen import docs
from llmgen.files import write_atomically

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "charts" / "llm-serving" / "README.md"


def schemas() -> None:
    """Bundle the YAML contracts to JSON."""
    for path, build in docs.bundles().items():
        _write(REPOSITORY / path, build())


def pages() -> None:
    """Write the reference pages and the table in the chart's README."""
    for path, build in docs.pages().items():
        _write(REPOSITORY / path, build())
    _write(README, docs.between_markers(README.read_text(encoding="utf-8")))


def _write(file: Path, text: str) -> None:
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text)
    print(f"wrote {file.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    {"schemas": schemas, "docs": pages}[sys.argv[1]]()
