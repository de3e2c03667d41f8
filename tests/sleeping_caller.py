"""A call that waits, and a signal that came in the last moment before.

CPython calls handlers between two bytecodes, so a wait that has just begun is not cut short. No
test can have a signal come just then; but what one thread raises in another is noticed at the
same places, and at no other, and does not wake it: it stands for the signal here.
"""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 90.0
"""What a call may take that is interrupted, in seconds; far more than `_SOON`."""
_SOON = 30.0


class _InterruptionError(BaseException):
    pass


class SleepingCaller:
    """A thread in a call that waits."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        # One whose `start` was interrupted stands in CPython's list for ever, and never begins.
        self._stillborn = {each for each in threading.enumerate() if not each.ident}
        self._raised: type[BaseException] | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self._raised = type(error)  # its traceback keeps what must be freed

    def is_interrupted(self) -> bool:
        """Raise something in it when it sleeps; return whether it comes out before long."""
        eventually(self._sleeps)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread.ident), ctypes.py_object(_InterruptionError)
        )
        self._thread.join(_SOON)
        return self._raised is _InterruptionError

    def _sleeps(self) -> bool:
        # A thread that has not begun has its creator's ident (CPython 3.11, pystate.c), and would
        # be interrupted in its place.
        if not all(each.ident for each in {*threading.enumerate()} - self._stillborn):
            return False
        stat = Path(f"/proc/self/task/{self._thread.native_id}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "S"
