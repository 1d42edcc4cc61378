"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from llmgen.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_new_file(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    old = os.umask(0o027)
    try:
        write_atomically(file, "a: 1\r\né\n")
    finally:
        os.umask(old)
    assert file.read_bytes() == "a: 1\r\né\n".encode()
    assert mode(file) == 0o640
    write_atomically(tmp_path / "secret", "x", mode=0o600)
    assert mode(tmp_path / "secret") == 0o600


def test_an_existing_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("old")
    file.chmod(0o604)
    write_atomically(str(file), "new", mode=0o644)
    assert (file.read_text(), mode(file)) == ("new", 0o604)
    assert names(tmp_path) == ["values.yaml"]


@pytest.mark.parametrize("call", ["os.fsync", "os.replace", "os.fchmod"])
def test_an_error_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("old")

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, "new")
    assert file.read_text() == "old"
    assert names(tmp_path) == ["values.yaml"]


def test_text_that_is_not_utf_8_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert file.read_text() == "old"
    assert names(tmp_path) == ["values.yaml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "values.yaml"
    target.write_text("old")
    link = tmp_path / "values.yaml"
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="is not a regular file"):
        write_atomically(tmp_path / "pipe", "x")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, "x")
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "folder", "x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(tmp_path / "loop", "x")
    assert names(tmp_path) == ["loop", "pipe"]


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write_atomically("-", "a: 1\n")
    assert capsys.readouterr().out == "a: 1\n"
