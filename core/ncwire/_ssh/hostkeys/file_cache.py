"""Files parsed once: what is kept of a file is good for as long as its stat is the same."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from ncwire.driver.forking import Forkable, watch_forks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")

_COARSEST_CLOCK_NS = 2_000_000_000
"""The resolution of a FAT file system's times, in nanoseconds; no other is coarser."""


class ParseCache(Forkable, Generic[_T]):
    """What `parse` made of the `size` files that were asked for last; for any thread.

    A file that is asked for by several threads at once is parsed by one of them.
    """

    def __init__(self, parse: Callable[[str, bytes], _T], size: int) -> None:
        self._parse = parse
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, _Kept[_T]] = OrderedDict()
        watch_forks(self)

    def get(self, path: Path) -> _T:
        """Return what `parse` makes of the path, as a string, and the file's content.

        Raises OSError.
        """
        path = path.absolute()
        with self._lock:
            kept = self._kept.setdefault(path, _Kept(path, self._parse))
            self._kept.move_to_end(path)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return kept.current()

    def abandon_in_child(self) -> None:
        """Begin anew: a thread that held a lock, in the middle of a change, is not here."""
        self._lock = threading.Lock()
        self._kept = OrderedDict()


class _Kept(Generic[_T]):
    """What is kept of one file."""

    def __init__(self, path: Path, parse: Callable[[str, bytes], _T]) -> None:
        self._path = path
        self._parse = parse
        self._lock = threading.Lock()
        self._parsed: tuple[object, _T] | None = None

    def current(self) -> _T:
        with self._lock:
            if self._parsed is not None and self._parsed[0] == _stamp(self._path.stat()):
                return self._parsed[1]
            with self._path.open("rb") as file:
                # Before reading: what is written meanwhile then makes a difference.
                stamp = _stamp(os.fstat(file.fileno()))
                parsed = self._parse(str(self._path), file.read())
            self._parsed = None if stamp is None else (stamp, parsed)
            return parsed


def _stamp(status: os.stat_result) -> object | None:
    """Return what changes whenever the content does; None if that cannot be told."""
    # A file that has just been changed may be changed again without a sign: within the same tick
    # of the clock that its times are taken from.
    recent = time.time_ns() - status.st_mtime_ns < _COARSEST_CLOCK_NS
    if recent or not stat.S_ISREG(status.st_mode):
        return None
    return (
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )  # fmt: skip
