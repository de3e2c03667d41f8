"""Interrupts a call at any point at which CPython would: for tests of what is left after that.

CPython runs signal handlers between two bytecodes, and checks for signals when a function begins,
after a call and at a loop's end. A trace function raises at each such point in turn.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import signal
import sys
import threading
import weakref
from pathlib import Path

import pytest

KINDS = (KeyboardInterrupt, TimeoutError)
_WAITS = threading.__file__
_TOOL = 4  # of the six that sys.monitoring has, one that no other program takes by its name


@functools.cache
def checked_after(code):
    """Return the offsets of the instructions before which the interpreter looks for signals."""
    offsets, due = set(), True
    for instruction in dis.get_instructions(code):
        if due:
            offsets.add(instruction.offset)
        due = instruction.opname.startswith(("CALL", "JUMP_BACKWARD")) or (
            instruction.opname == "RESUME"
        )
    return frozenset(offsets)


def folder_of(module):
    return str(Path(sys.modules[module].__file__).parent)


def in_finalizer(frame):
    """Tell whether this runs in a finalizer: CPython drops what is raised there."""
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename == weakref.__file__:
            return True
        frame = frame.f_back
    return False


class Interrupter:
    """Raises at the `at`-th point at which a signal may come in code of `folders`; counts them.

    What `threading` does for such code counts as part of it where `waits_too` is set; where one
    function is named, only that counts. With an `act` it is called there, instead of raising.
    """

    def __init__(self, at, folders, *, waits_too=False, function=None, act=None):
        self.at = at
        self._act = act or handler
        self.seen = 0
        self.where = ""
        self._folders = tuple(folders)
        self._waits_too = waits_too
        self._function = function
        self._tracer = None
        self._thread = None
        self._is_due = True

    def __enter__(self):
        if sys.version_info[:2] == (3, 12):
            pytest.skip("CPython 3.12.1 crashes where instructions are monitored among threads")
        if sys.version_info < (3, 12):
            # Coverage's, if there is one: without it back, later tests would not count.
            self._tracer = sys.gettrace()
            sys.settrace(self._frame)
        else:
            # The trace function of 3.12 and 3.13 misses the instructions of a first call.
            self._thread = threading.get_ident()
            self._monitor(self._instruction)
        return self

    def __exit__(self, *_):
        if sys.version_info < (3, 12):
            sys.settrace(self._tracer)
        else:
            self._monitor(None)

    def _monitor(self, callback):
        monitoring = sys.monitoring
        event = monitoring.events.INSTRUCTION
        if callback is None:
            monitoring.set_events(_TOOL, 0)
            monitoring.register_callback(_TOOL, event, None)
            monitoring.free_tool_id(_TOOL)
        else:
            monitoring.use_tool_id(_TOOL, "interrupting")
            monitoring.register_callback(_TOOL, event, callback)
            monitoring.restart_events()
            monitoring.set_events(_TOOL, event)

    def _instruction(self, code, offset, frame=None):
        # The frame as an argument, for that is how a handler of signals is known.
        if not code.co_filename.startswith((*self._folders, _WAITS)):
            return sys.monitoring.DISABLE
        if self._is_due and threading.get_ident() == self._thread:
            frame = inspect.currentframe().f_back
            if self._is_meant(frame):
                self._reached(frame, offset)
        return None

    def _frame(self, frame, event, _):
        if not self._is_meant(frame):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _is_meant(self, frame):
        if self._function not in {None, frame.f_code.co_qualname}:
            return False
        while self._waits_too and frame is not None and frame.f_code.co_filename == _WAITS:
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename.startswith(self._folders)

    def _step(self, frame, event, _):
        if event == "opcode" and self._is_due:
            self._reached(frame, frame.f_lasti)
        return self._step

    def _reached(self, frame, offset):
        if offset not in checked_after(frame.f_code):
            return
        self.seen += 1
        if self.seen == self.at and in_finalizer(frame):
            self.at += 1
        elif self.seen == self.at:
            self._is_due = False
            if sys.version_info < (3, 12):
                sys.settrace(None)
            self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
            self._act(None, frame)


def handler(_number, _frame):
    """Stand in for a signal handler: it is installed as one while the tests run."""
    raise handler.kind("at a point")


@contextlib.contextmanager
def raising(kind):
    """Have the handler raise this kind, installed for a signal that is not sent."""
    handler.kind = kind
    before = signal.signal(signal.SIGUSR2, handler)
    yield
    signal.signal(signal.SIGUSR2, before)
