"""Write a file whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], text: str, *, mode: int | None = None) -> None:
    """Write ``text`` as UTF-8 to ``path``; ``-`` is standard output.

    A temporary file beside it is written, flushed to disk and renamed over it, so that a reader sees the old text or
    the new one, and an error leaves the old one untouched. Permission bits of an existing file are kept; a new one gets
    ``mode``, by default what the umask leaves of 0666. A link to a regular file stays a link and its target is
    replaced. Raises OSError: IsADirectoryError for a directory, FileExistsError for a device, pipe or socket.
    """
    if os.fspath(path) == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    target = Path(os.path.realpath(path))  # the link's target: renaming over the link itself would replace the link
    mode = _mode_of(target) or (_default_mode() if mode is None else mode)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as temporary:
            temporary.write(text)
            temporary.flush()
            os.fchmod(temporary.fileno(), mode)
            os.fsync(temporary.fileno())
        os.replace(name, target)  # noqa: PTH105 -- the counterpart of mkstemp
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108 -- the counterpart of mkstemp
        raise
    _sync_folder(target.parent)


def _mode_of(target: Path) -> int | None:
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(21, "is a directory", os.fspath(target))
    if not stat.S_ISREG(status.st_mode):
        raise FileExistsError(17, "is not a regular file", os.fspath(target))
    return stat.S_IMODE(status.st_mode)


def _default_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
