"""The page of problem ids."""

from __future__ import annotations

from llmgen.docs import markdown
from llmgen.problems.ids import Kind, kinds

_FAMILIES = {
    "0": ("The text of a file", "Found while reading YAML, before its meaning is looked at."),
    "1": ("The contract", "What the schema of a spec or of values refuses."),
    "2": (
        "Rules across fields",
        "What a schema cannot say: references, bounds that depend on each other, production's demands.",
    ),
    "3": ("The plan", "What the arithmetic of GPUs refuses or warns of."),
    "4": ("Values", "What generated or forked values must keep and their schema cannot say."),
}
_ABOUT = (
    "Every problem has an id that never changes its meaning. `llmgen explain ID` prints the same text in a terminal.",
    "An error stops everything: nothing is written. A warning is printed and stops nothing, unless `llmgen validate --strict` asks for it.",
)


def page() -> str:
    """Return docs/reference/problems.md."""
    text = markdown.header("generator/llmgen/problems/ids_*.py", "Problems", *_ABOUT)
    for digit, (title, about) in _FAMILIES.items():
        found = [kind for kind in kinds().values() if kind.id[3] == digit]
        text += f"\n## LLM{digit}xx: {title}\n\n{about}\n\n"
        text += markdown.table(
            [
                {"Id": markdown.link(kind.id, _title(kind)), "Name": markdown.code(kind.name), "Title": kind.title}
                for kind in found
            ]
        )
        text += "".join(_problem(kind) for kind in found)
    return text


def _title(kind: Kind) -> str:
    return f"{kind.id} {kind.name}"


def _problem(kind: Kind) -> str:
    parts = [
        f"### {_title(kind)}",
        f"{kind.title}.",
        markdown.wrapped(kind.explanation),
        markdown.wrapped(f"Fix: {kind.fix}"),
    ]
    return "\n" + "\n\n".join(parts) + "\n"
