"""A spec file → its merged document, its typed Spec and every problem that reading it alone can show."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmgen import contract, merge, source
from llmgen.mending import ROUNDS, mend
from llmgen.problems import Path, Problem, Span, errors, in_file_order
from llmgen.source import Document
from llmgen.source.document import Node
from llmgen.spec import REVISION_KEYS, Spec, from_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One environment of a spec file.

    ``document`` has the environment's patch applied and None where the file's structure is broken; ``spec`` is None where
    nothing could be built. ``pruned`` are paths that were wrong and left out, so that the rest could still be checked.
    """

    file: str
    env: str | None
    document: Document | None
    spec: Spec | None
    problems: tuple[Problem, ...]
    pruned: frozenset[Path] = frozenset()

    def origin(self, path: Path) -> Path:
        """Return where a resolved value was written: a revision's key, or the model's own key it inherits."""
        if len(path) > 4 and path[0] == "models" and path[2] == "revisions":  # noqa: PLR2004 -- models.M.revisions.R.key
            inherited = (*path[:2], *path[4:])
            if self.document is not None and not self.document.has(path) and self.document.has(inherited[:3]):
                return inherited
        return path

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the span of ``path``'s value (or key), or of the nearest thing that was written."""
        if self.document is None:
            return Span(file=self.file)
        return self.document.key_span(self.origin(path)) if key else self.document.value_span(self.origin(path))


def environments(path: str) -> tuple[str, ...]:
    """Return the names of the environments in the file at ``path``; empty where it stands alone or cannot be read."""
    document = source.read(path).document
    if document is None or not isinstance(document.data, dict):
        return ()
    found = document.data.get("environments")
    return tuple(str(name) for name in found) if isinstance(found, dict) else ()


def load(path: str, env: str | None = None) -> Loaded:
    """Read the spec at ``path`` and apply environment ``env``; never raises for bad input.

    Raises KeyError if the file has no environment of that name.
    """
    reading = source.read(path)
    document = reading.document
    if document is None:
        return Loaded(file=path, env=env, document=None, spec=None, problems=tuple(in_file_order(reading.problems)))
    if env is not None and isinstance(document.data, dict):
        if env not in (document.data.get("environments") or {}):
            raise KeyError(env)
        shape = [
            problem for problem in contract.check(document, spec_schema()) if problem.path[:2] == ("environments", env)
        ]
        if isinstance(document.data["environments"][env], dict):
            document, shape = merge.merge_documents(document, ("environments", env)), []
    else:
        shape = []
    return _build(path, env, document, [*reading.problems, *shape])


@functools.cache
def spec_schema() -> Mapping[str, Any]:
    """Return the bundled serving-spec schema."""
    return contract.load_schema("serving-spec")


@functools.cache
def _revision_schema() -> Mapping[str, Any]:
    schema = spec_schema()
    return {"$ref": "#/$defs/revision", "$defs": schema["$defs"]}


def _build(path: str, env: str | None, document: Document, found: list[Problem]) -> Loaded:
    problems = [*found, *contract.check(document, spec_schema())]
    revisions, of_revisions = _resolve(document)
    known = {(problem.id, problem.span) for problem in problems}
    problems += [problem for problem in of_revisions if (problem.id, problem.span) not in known]
    spec: Spec | None = None
    pruned: set[Path] = set()
    if not errors(problems):
        spec = from_data(document.data, {key: merged.data for key, merged in revisions.items()}, spec_schema())
    elif isinstance(document.data, dict):
        spec = _what_is_left(document, pruned)
    return Loaded(
        file=path,
        env=env,
        document=document,
        spec=spec,
        problems=tuple(in_file_order(problems)),
        pruned=frozenset(pruned),
    )


def _resolve(document: Document) -> tuple[dict[tuple[str, str], Document], list[Problem]]:
    """Merge each revision's patch over its model's keys and check the result as a whole."""
    resolved: dict[tuple[str, str], Document] = {}
    problems: list[Problem] = []
    models = document.data.get("models") if isinstance(document.data, dict) else None
    for name, model in models.items() if isinstance(models, dict) else ():
        if not isinstance(model, dict):
            continue
        base = _part(document, ("models", name), REVISION_KEYS)
        patches = model.get("revisions", {"v1": {}})
        for revision, patch in patches.items() if isinstance(patches, dict) else ():
            where: Path = ("models", name, "revisions", revision)
            merged = base
            if patch and isinstance(patch, dict):
                merged = merge.merge_documents(base, (), patch=_part(document, where, tuple(patch)))
            resolved[name, revision] = merged
            problems += [_placed(document, where, problem) for problem in contract.check(merged, _revision_schema())]
    return resolved, problems


def _placed(document: Document, where: Path, problem: Problem) -> Problem:
    """Give a problem of a merged revision the path it was written at."""
    full: Path = (*where, *problem.path)
    if not document.has(full):
        return dataclasses.replace(problem, path=(*where[:2], *problem.path))
    if problem.path in (("source",), ("architecture",)) and problem.id == "LLM108":
        hint = "the patch is merged over the model: delete the inherited one with null, as in `hub: null`"
        return dataclasses.replace(problem, path=full, span=document.key_span(full), hint=hint)
    return dataclasses.replace(problem, path=full)


def _part(document: Document, path: Path, keys: Iterable[str]) -> Document:
    """Return the mapping at ``path``, only with ``keys``, as a document that keeps its positions."""
    value = document.get(path)
    node = document.root
    for step in path:
        node = node.children.get(step) if node is not None else None
    data = {key: value[key] for key in keys if key in value}
    root: Node | None = None
    if node is not None:
        root = Node(node.source, node.value, block=node.block)
        root.key, root.key_source = node.key, node.key_source
        root.children = {key: node.children[key] for key in data if key in node.children}
    return Document(data=data, file=document.file, root=root)


def _what_is_left(document: Document, pruned: set[Path]) -> Spec | None:
    """Build a Spec from ``document`` with what is wrong in it mended, so that one run can report the rules that fail elsewhere.

    A misspelt key is read as the missing one it resembles, an optional wrong value falls back to its default and a required one
    to the contract's example. None when that does not lead to a valid spec.
    """
    data = copy.deepcopy(document.data)
    for _ in range(ROUNDS):
        rest = dataclasses.replace(document, data=data, suspects=frozenset())  # what reading reported must go as well
        revisions, of_revisions = _resolve(rest)
        wrong = errors([*contract.check(rest, spec_schema()), *of_revisions])
        if not wrong:
            return from_data(data, {key: merged.data for key, merged in revisions.items()}, spec_schema())
        if not mend(data, wrong, spec_schema(), pruned):
            return None
    return None
