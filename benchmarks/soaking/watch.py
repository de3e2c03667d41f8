"""Who watches a soak: how long each call takes, what comes of it, and what must not."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ncwire import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

HUNG = 3
"""The exit code of a soak in which a call did not end."""

_LOOKS = 1.0
_STUCK = 120.0
_REMEMBERED = 12

# What the documentation names for a session that is open, or was; and for one that is not yet.
DOCUMENTED = (
    errors.SessionCloseError,
    errors.StepTimeoutError,
    errors.NetconfFramingError,
    errors.BrokenMessageError,
    errors.SendQueueFullError,
    errors.RPCTimeoutError,
)
OF_CONNECT = (
    *DOCUMENTED,
    errors.SSHError,
    errors.HelloMissingError,
    errors.HelloTimeoutError,
    errors.AuthenticationError,
)


class TimeLimitError(Exception):
    """What a job runner's handler raises."""


class Interrupted(BaseException):
    """What Ctrl-C raises, but for its name."""


OF_HANDLERS = (TimeLimitError, Interrupted)
"""What signal handlers raise here."""


@dataclass(slots=True)
class Call:
    """A call that is under way."""

    what: str
    limit: float
    began: float
    thread: str = field(default_factory=lambda: threading.current_thread().name)


class Watch(logging.Handler):
    """Counts what happens, and collects what must not.

    A call that outlasts its limit by more than `patience` seconds ends the process with `HUNG`,
    after printing where all threads are: nothing that comes after a hang tells anything.
    """

    def __init__(self, patience: float) -> None:
        super().__init__(logging.ERROR)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.over: dict[str, float] = {}
        """By how much the slowest call of each kind went over its own limit, in seconds."""
        self.longest: dict[str, float] = {}
        self.violations: list[str] = []
        self._patience = patience
        self._guard = threading.Lock()
        self._calls: dict[int, Call] = {}
        self._last: deque[str] = deque(maxlen=_REMEMBERED)
        self._over = threading.Event()
        self._looker = threading.Thread(target=self._look, name="soak watch", daemon=True)

    def __enter__(self) -> Self:
        threading.excepthook = self._thread_died
        sys.unraisablehook = self._unraisable
        logging.getLogger("ncwire").addHandler(self)
        self._looker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looker.join()
        faulthandler.cancel_dump_traceback_later()
        logging.getLogger("ncwire").removeHandler(self)
        threading.excepthook = threading.__excepthook__
        sys.unraisablehook = sys.__unraisablehook__

    @contextmanager
    def call(self, what: str, limit: float) -> Iterator[None]:
        """Watch a call, which has so many seconds by its own arguments."""
        call = self.begin(what, limit)
        try:
            yield
        finally:
            self.end(call)

    def begin(self, what: str, limit: float) -> Call:
        """Take note of a call; to be followed by `end`, whatever comes of it."""
        call = Call(what, limit, time.monotonic())
        self._calls[id(call)] = call
        return call

    def end(self, call: Call) -> None:
        """Take note of its end."""
        took = time.monotonic() - call.began
        self._calls.pop(id(call), None)
        # With no lock, which a signal's handler might leave locked: a maximum may be lost.
        self.longest[call.what] = max(self.longest.get(call.what, 0.0), took)
        self.over[call.what] = max(self.over.get(call.what, 0.0), took - call.limit)

    def forget(self) -> None:
        """Forget the calls of this thread: a signal's handler has raised out of them."""
        name = threading.current_thread().name
        for call in list(self._calls.values()):
            if call.thread == name:
                self._calls.pop(id(call), None)

    def count(self, what: str, outcome: str) -> None:
        """Count what came of something."""
        with self._guard:
            self.outcomes[what, outcome] += 1
            name = threading.current_thread().name
            self._last.append(f"{name}: {what}: {outcome}")

    def violated(self, promise: str, error: BaseException | None = None) -> None:
        """Take note of what must not be; the soak goes on, and ends with an error."""
        text = promise
        if error is not None:
            text += "\n" + "".join(traceback.format_exception(error))
        with self._guard:
            self.violations.append(text)
            print(f"VIOLATION: {text}\nbefore it: " + "\n  ".join(self._last), flush=True)

    def _thread_died(self, args: threading.ExceptHookArgs) -> None:
        self.violated(
            f"a thread died of {args.exc_type.__name__}: {args.exc_value}", args.exc_value
        )

    def _unraisable(self, args: sys.UnraisableHookArgs) -> None:
        # A handler raised in a weak reference's callback, which can raise nothing.
        if issubclass(args.exc_type, OF_HANDLERS) and "_remove" in repr(args.object):
            self.count("weak reference", "callback interrupted")
            return
        self.violated(
            f"unraisable {args.exc_type.__name__}: {args.exc_value} in {args.object!r}",
            args.exc_value,
        )

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`: ncwire logs as errors what should not happen."""
        self.violated(f"logged as an error: {record.getMessage()}")

    def _look(self) -> None:
        while not self._over.wait(_LOOKS):
            # In C, for the case that a call holds the interpreter's lock.
            faulthandler.dump_traceback_later(_STUCK, exit=True)
            now = time.monotonic()
            for call in list(self._calls.values()):
                if now - call.began > call.limit + self._patience:
                    self._give_up(call, now)

    def _give_up(self, call: Call, now: float) -> None:
        print(
            f"VIOLATION: HUNG: {call.what} in {call.thread}, for {now - call.began:.1f} s of "
            f"{call.limit:g} s; all stacks are on stderr",
            flush=True,
        )
        faulthandler.dump_traceback(all_threads=True)
        os._exit(HUNG)
