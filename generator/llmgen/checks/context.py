"""What every rule works on: the spec, where each value was written, and a place to report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from llmgen.load import Loaded
from llmgen.problems import Path, Problem, Related, Severity, Span, guess_hint
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
    _said: set[tuple[str, Span, str]] = field(default_factory=set)

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
        rests_on: Iterable[Path] = (),
    ) -> None:
        """Report one problem at ``path`` (its value, or its key with ``key``).

        Silent where that value, or one of those it ``rests_on``, was refused and is only guessed here.
        """
        origin = self.loaded.origin(path)
        if any(self._guessed(place) for place in (origin, *map(self.loaded.origin, rests_on))):
            return
        span = self.loaded.span(path, key=key)
        if origin != path:  # inherited: said once, however many revisions inherit it
            plain = (id_, span, message.replace(f"/{path[3]}", ""))
            if plain in self._said:
                return
            self._said.add(plain)
        problem = Problem(
            id=id_,
            message=message,
            path=origin,
            span=span,
            allowed=tuple(allowed),
            hint=hint,
            severity=severity,
            related=related,
        )
        self.problems.append(problem)

    def _guessed(self, path: Path) -> bool:
        return any(path[: len(wrong)] == wrong for wrong in self.loaded.pruned)

    def unknown(
        self, id_: str, path: Path, word: str, kind: str, known: Mapping[str, object], *, key: bool = False
    ) -> bool:
        """Report that ``word`` names no known ``kind``; says whether it did. Silent about names whose own entry was refused."""
        if word in known or self._refused(kind, word, path):
            return False
        allowed = tuple(known)
        hint = guess_hint(word, allowed)
        if not allowed:
            hint = f"the spec declares no {kind}"
        place = _declared_in(kind, path)
        deleted = self.loaded.document.deletion_span((*place, word)) if place and self.loaded.document else None
        related = (Related(message="deleted here", span=deleted),) if deleted else ()
        self.add(id_, path, f"unknown {kind} {word!r}", allowed=allowed, hint=hint, key=key, related=related)
        return True

    def _refused(self, kind: str, word: str, path: Path) -> bool:
        place = _declared_in(kind, path)
        return place is not None and any(
            wrong[: len(place)] == place and wrong[len(place) :] in ((), (word,)) for wrong in self.loaded.pruned
        )


def _declared_in(kind: str, path: Path) -> Path | None:
    """Return the map whose keys are the names of ``kind`` that can be used at ``path``."""
    places: dict[str, Path] = {
        "model": ("models",),
        "pool": ("cluster", "pools"),
        "storage": ("cluster", "storage"),
        "tenant": ("tenants",),
        "revision": (*path[:2], "revisions"),
    }
    return places.get(kind)
