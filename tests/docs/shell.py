"""Runs the `console` blocks of a page as a reader would: one shell, from a copy of the repository, in the order of the page."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.docs.markdown import ROOT, Block
from tests.ports import free_port

# Why the commands of a block with this tag are read and not run.
NOT_RUN = {
    "cluster": "needs a Kubernetes cluster; its files, charts and object names are checked",
    "network": "fetches from the internet or from a registry",
    "setup": "installs what the tests run with",
    "example": "names things of the reader's own",
}
FAILS = "fails"  # the last command of the block ends with a code other than 0
COPIED = ("values",)  # what readers may write into; the rest is linked
# Ports that pages show, and on which nothing may be listening where the tests run: each shell has others in their place.
PORTS = ("18000", "18080", "19090")
SECONDS = 120
_MARK = "\x1eended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command and the output that the page shows after it."""

    line: int
    text: str
    shown: tuple[str, ...]


def commands(block: Block) -> list[Command]:
    """The commands of a block: lines that begin with `$ `, going on after a backslash, inside a here-document, or with `> `."""
    found: list[Command] = []
    text: list[str] = []
    shown: list[str] = []
    start, until = 0, ""
    for number, line in enumerate(block.text.splitlines(), block.line):
        if until or (text and not shown and text[-1].endswith("\\")):
            text.append(line)
            until = "" if line == until else until
        elif line.startswith("$ "):
            if text:
                found.append(Command(line=start, text="\n".join(text), shown=tuple(shown)))
            start, text, shown = number, [line[2:]], []
            document = re.search(r"<<-?\s*'?\"?(\w+)", line)
            until = document[1] if document else ""
        else:
            assert text, f"{block.where}: a console block begins with a command (`$ …`)"
            shown.append(line)
    if text:
        found.append(Command(line=start, text="\n".join(text), shown=tuple(shown)))
    return found


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Whether output is as shown. `…` alone on a line stands for any lines, within a line for any text; trailing space is nothing."""
    lines = [line.rstrip() for line in shown]
    while lines and not lines[-1]:
        lines.pop()
    pattern = ""
    for line in lines:
        if line == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.split("…")) + r"\n"
    actual = "".join(f"{line.rstrip()}\n" for line in printed.rstrip("\n").splitlines())
    return re.fullmatch(pattern, actual) is not None


def checkout(folder: Path) -> Path:
    """A folder that reads as the repository and may be written into."""
    target = folder / "llmgen"
    target.mkdir()
    for entry in sorted(ROOT.iterdir()):
        if entry.name in COPIED:
            for file in entry.rglob("*"):
                if file.is_file():
                    copy = target / file.relative_to(ROOT)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(file.read_bytes())
        elif entry.name not in {"build", ".git", "shared"}:
            (target / entry.name).symlink_to(entry)
    return target


class Shell:
    """One bash for one page. Whatever it started is gone when it closes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._others = {shown: str(free_port()) for shown in PORTS}
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        path = os.pathsep.join([str(ROOT / ".venv/bin"), str(ROOT / ".bin"), os.environ["PATH"]])
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, text=True, encoding="utf-8", start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**kept, "PATH": path, "HOME": str(folder.parent), "NO_COLOR": "1", "LANG": "C.UTF-8",
                 "FAKE_CONTROL_PORT": "0"},  # none
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # a session of its own: what ran in the background ends as well
        self._process.wait()

    def run(self, text: str) -> tuple[int, str]:
        """Exit code and output, standard error included; in both directions the ports are those of the page."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(SECONDS, os.killpg, (self._process.pid, signal.SIGKILL))
        timer.start()
        try:
            self._process.stdin.write(f'{_renamed(text, self._others)}\necho "{_MARK} $?"\n')
            self._process.stdin.flush()
            printed = ""
            for line in self._process.stdout:
                before, mark, code = line.partition(_MARK)
                printed += before
                if mark:
                    return int(code), _renamed(printed, {other: shown for shown, other in self._others.items()})
        finally:
            timer.cancel()
        raise AssertionError(f"the shell ended, or {SECONDS} s passed, within: {text}\n{printed}")


def _renamed(text: str, ports: dict[str, str]) -> str:
    """Each number that is a key of ``ports`` becomes its value; digits within a longer word stay."""
    return re.sub(rf"\b(?:{'|'.join(ports)})\b", lambda found: ports[found[0]], text)
