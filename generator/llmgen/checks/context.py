"""What every rule works on: the spec, where each value was written, and a place to report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from llmgen.load import Loaded
from llmgen.problems import Path, Problem, Related, Severity, guess_hint
from llmgen.spec import Spec
from llmgen.spec.model import Model, Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One revision with its model, and the path its values are reported under."""

    model_name: str
    model: Model
    name: str
    revision: Revision

    @property
    def path(self) -> Path:
        """Path of the revision in the spec."""
        return ("models", self.model_name, "revisions", self.name)


@dataclass(slots=True, kw_only=True)
class Context:
    """One environment being checked; rules add to ``problems``."""

    loaded: Loaded
    spec: Spec
    problems: list[Problem] = field(default_factory=list)

    @property
    def folder(self) -> FilePath:
        """Folder of the spec file; relative paths in the spec start here."""
        return FilePath(self.loaded.file).parent

    def revisions(self) -> Iterator[Resolved]:
        """Go through every revision of every model."""
        for model_name, model in self.spec.models.items():
            for name, revision in model.revisions.items():
                yield Resolved(model_name=model_name, model=model, name=name, revision=revision)

    def add(
        self,
        id_: str,
        path: Path,
        message: str,
        *,
        allowed: Iterable[str] = (),
        hint: str | None = None,
        key: bool = False,
        severity: Severity = "error",
        related: tuple[Related, ...] = (),
    ) -> None:
        """Report one problem at ``path`` (its value, or its key with ``key``), unless what it rests on was already refused."""
        origin = self.loaded.origin(path)
        if any(origin[: len(wrong)] == wrong for wrong in self.loaded.pruned):
            return
        problem = Problem(
            id=id_, message=message, path=origin, span=self.loaded.span(path, key=key), allowed=tuple(allowed), hint=hint,
            severity=severity, related=related,
        )  # fmt: skip
        self.problems.append(problem)

    def unknown(
        self, id_: str, path: Path, word: str, kind: str, known: Mapping[str, object], *, key: bool = False
    ) -> bool:
        """Report that ``word`` names no known ``kind``; says whether it did. Silent about names whose own entry was refused."""
        if word in known or self._refused(kind, word):
            return False
        allowed = tuple(known)
        hint = guess_hint(word, allowed)
        if not allowed:
            hint = f"the spec declares no {kind}"
        self.add(id_, path, f"unknown {kind} {word!r}", allowed=allowed, hint=hint, key=key)
        return True

    def _refused(self, kind: str, word: str) -> bool:
        places = {
            "model": ("models",),
            "pool": ("cluster", "pools"),
            "storage": ("cluster", "storage"),
            "tenant": ("tenants",),
        }
        place: Path | None = places.get(kind)
        return place is not None and any(
            wrong[: len(place)] == place and wrong[len(place) :] in ((), (word,)) for wrong in self.loaded.pruned
        )
