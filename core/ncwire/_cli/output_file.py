"""A reply that goes to a file as it comes."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rich.console import Console
from rich.progress import (
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from ncwire._cli import documents
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire._session.base import Session

_MARK = b"rpc-error"


def save(session: Session, operation: str | bytes, timeout: float | None, path: str) -> bool:
    """Send an rpc, and write its reply to a file; return whether it has an `<rpc-error>`.

    The file gets its name when it is complete. Raises what `Session.rpc` does, and
    `OptionError` for a file that cannot be written.
    """
    with _writing(Path(path)) as file, _progress() as progress:
        task = progress.add_task(path, total=None)
        seen = _Mark()

        def write(piece: bytes) -> None:
            with _explained(path):
                file.write(piece)
            seen.look(piece)
            progress.update(task, advance=len(piece))

        session.rpc(operation, timeout, sink=write)
        with _explained(path):
            file.flush()
        if not seen.found or not file.seekable():
            return seen.found
        file.seek(0)
        return documents.is_rpc_error(file)


class _Mark:
    """Whether what an `<rpc-error>` needs occurs in a document: most replies have it nowhere."""

    def __init__(self) -> None:
        self.found = False
        self._tail = b""

    def look(self, piece: bytes) -> None:
        if not self.found:
            self.found = _MARK in piece or _MARK in self._tail + piece[: len(_MARK)]
            self._tail = (self._tail + piece[-len(_MARK) :])[-len(_MARK) :]


@contextmanager
def _writing(path: Path) -> Iterator[BinaryIO]:
    with _explained(str(path)):
        if path.exists() and not path.is_file():  # a pipe, or /dev/null
            file: BinaryIO = path.open("wb")
            temporary = None
        else:
            path = path.resolve()  # a link stays one
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            file = os.fdopen(descriptor, "w+b")
            temporary = Path(name)
    try:
        with file:
            yield file
        if temporary is not None:
            with _explained(str(path)):
                temporary.chmod(_mode(path))
                temporary.replace(path)
    except BaseException:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        raise


def _mode(path: Path) -> int:
    """Return the permissions that a file has already, or that a new one gets."""
    with suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OptionError(path, error.strerror or str(error)) from error


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
