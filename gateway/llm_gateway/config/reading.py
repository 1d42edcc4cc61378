"""What a check of the configuration works with: the document, and the files it names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path as File
from typing import Any

from llmgen.problems import Path, Problem, guess_hint
from llmgen.source import Document

MARK = re.compile(r"sha256:([0-9a-f]{64})")


class Reading:
    """Collects problems and the text of secret files; each file is read once."""

    def __init__(self, document: Document, data: dict[str, Any]) -> None:
        self.document = document
        self.data = data
        self.problems: list[Problem] = []
        self.files: dict[File, str | None] = {}

    def add(self, id: str, path: Path, message: str, *, allowed: Iterable[str] = (), hint: str | None = None) -> None:  # noqa: A002
        """Note a mistake at ``path``."""
        span = self.document.value_span(path)
        self.problems.append(Problem(id=id, message=message, path=path, span=span, allowed=tuple(allowed), hint=hint))

    def unknown(self, path: Path, name: str, what: str, known: Iterable[str]) -> bool:
        """Note that ``name`` is no known ``what``; return whether that is so."""
        known = tuple(known)
        if name in known:
            return False
        self.add("GW001", path, f"there is no {what} {name!r}", allowed=known, hint=guess_hint(name, known))
        return True

    def secret(self, path: Path, file: str) -> str | None:
        """Return the stripped text of a secret file; None, with a problem, where it cannot be read or is empty."""
        name = File(file)
        if name not in self.files:
            try:
                text = name.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
                self.add("GW002", path, f"cannot read {file}: {reason}")
                self.files[name] = None
                return None
            if not text:
                self.add("GW002", path, f"{file} is empty")
            self.files[name] = text or None
        return self.files[name]

    def key_digest(self, path: Path, key: dict[str, Any]) -> bytes | None:
        """Return the SHA-256 of a key, inline or from its file; None, with a problem, where there is none."""
        text = key.get("sha256")
        if text is None:
            text = self.secret((*path, "file"), key["file"])
            if text is None:
                return None
        found = MARK.fullmatch(text)
        if found is None:
            self.add("GW002", (*path, "file"), 'the file must hold "sha256:" and 64 lower-case hexadecimal digits')
            return None
        return bytes.fromhex(found[1])

    def digest(self, text: str) -> str:
        """SHA-256 over the configuration and every secret file."""
        whole = sha256(text.encode())
        for file, content in sorted(self.files.items()):
            whole.update(f"\0{file}\0{content}".encode())
        return whole.hexdigest()
