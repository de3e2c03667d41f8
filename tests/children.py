"""Forked children that tell what they saw, within a time limit."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ncwire.errors import SessionCloseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 20.0
QUICK = 3.0
"""Seconds: less than any budget that a child would wait out; a busy machine needs less, too."""


def fork() -> int:
    """Fork, though other threads run: the very thing that is tested, and what Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


class Child:
    """A forked child that runs a function, and exits without any clean-up."""

    def __init__(self, run: Callable[[], object]) -> None:
        receiver, sender = os.pipe()
        self.began = time.monotonic()
        self.pid = fork()
        if not self.pid:
            os.close(receiver)
            os.write(sender, pickle.dumps(_outcome(run)))
            os._exit(0)
        os.close(sender)
        self._receiver = receiver

    def result(self) -> Any:
        """Return what the function returned; fails when it raised, or took too long."""
        with os.fdopen(self._receiver, "rb") as pipe:
            if not select.select([pipe], [], [], LIMIT)[0]:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"the child hangs: nothing within {LIMIT:g} s")
            told = pipe.read()
        assert os.waitpid(self.pid, 0)[1] == 0
        failure, value = pickle.loads(told)
        assert not failure, failure
        return value


class Forked:
    """A child that is forked in the middle of a call, and goes on with it."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self._receiver = self._sender = -1

    def fork(self, _number, _frame) -> None:
        self._receiver, self._sender = os.pipe()
        self._began = time.monotonic()
        self.pid = fork()

    def tell(self, ended: BaseException | None, session) -> None:
        """Say in the child what has become of the call; never returns there."""
        if self.pid != 0:
            return
        said = ""
        try:
            # The answer may have been there already.
            if ended is not None and not (
                isinstance(ended, SessionCloseError) and "this process was forked" in str(ended)
            ):
                said = "".join(traceback.format_exception(ended))
            elif session.connected:
                said = "the child's copy is still connected"
            elif time.monotonic() - self._began > QUICK:
                said = "it has waited"
            session.close()
        except BaseException:  # noqa: BLE001 - the parent is told of it
            said = traceback.format_exc()
        finally:
            os.write(self._sender, said.encode()[:60_000] or b"-")
            os._exit(0)

    def said(self) -> str:
        """Return in the parent what is wrong in the child."""
        os.close(self._sender)
        with os.fdopen(self._receiver, "rb") as pipe:
            if not select.select([pipe], [], [], LIMIT)[0]:
                os.kill(self.pid, signal.SIGABRT)
            told = pipe.read().decode()
        os.waitpid(self.pid, 0)
        return "" if told == "-" else told or "the child hangs"


def in_child(run: Callable[[], object]) -> Any:
    """Return what the function returns in a forked child."""
    return Child(run).result()


@contextmanager
def living_child() -> Iterator[None]:
    """Have a forked child, which does nothing, as long as this lasts."""
    begun, begin = os.pipe()
    over, go = os.pipe()

    def live() -> bytes:
        os.close(go)  # ours: so the parent's end, whatever comes, is the child's
        os.write(begin, b"x")
        return os.read(over, 1)

    child = Child(live)
    try:
        os.read(begun, 1)
        yield
    finally:
        for fd in (go, over, begun, begin):
            os.close(fd)
        assert child.result() == b""


def _outcome(run: Callable[[], object]) -> tuple[str, object]:
    try:
        return "", run()
    except BaseException:  # noqa: BLE001 - the parent is told of it
        return traceback.format_exc(), None


def refusal(call: Callable[[], object]) -> tuple[str, str, float]:
    """Return what a call raises, by name and text, and after how many seconds."""
    began = time.monotonic()
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return type(error).__name__, str(error), time.monotonic() - began
    return "", "", time.monotonic() - began
