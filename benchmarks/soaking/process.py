"""What the process around the sessions does, on its main thread: signals that raise, and forks."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from ncwire import errors
from ncwire.bench.target import CHUNKED
from soaking.actions import INTERRUPTED, Action, Actor, echo
from soaking.pool import TIMEOUTS
from soaking.watch import DOCUMENTED, OF_CONNECT, OF_HANDLERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from soaking.pool import Held

SIGNALS = "signals"
FORKS = "forks"

_LATEST = 0.05
_CHILD = 60
_IN_CHILD = 8.0
"""Seconds within which what a child does with its copy of a session ends."""


class MainActor(Actor):
    """The main thread, into which signal handlers raise and which forks, as far as is wanted."""

    def __init__(self, actor: Actor, wanted: frozenset[str]) -> None:
        super().__init__(actor.pool, actor.chance.random())
        self._wanted = wanted
        signal.signal(signal.SIGALRM, self._ring)
        self._raises: type[BaseException] = OF_HANDLERS[0]

    def turn(self) -> None:
        """Do one thing, maybe with a signal in the middle, or fork."""
        number = self.chance.random()
        held = self.pool.pick(self.chance)
        if held is not None and SIGNALS in self._wanted and number < 0.5:
            self._interrupt(self.chance.choice(INTERRUPTED), held)
        elif SIGNALS in self._wanted and number < 0.55:
            self._interrupt_connect()
        elif FORKS in self._wanted and number < 0.65:
            self._fork()
        else:
            super().turn()

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        raise self._raises

    def _interrupt(self, action: Action, held: Held) -> None:
        held.disturbed = True  # what is cut off in the middle may end the session, with a cause
        came_out: list[bool] = []

        def run() -> None:
            # Only this, so that none of the soak's own accounts is cut off.
            came_out.append(self._interrupted(lambda: action.run(self, held)))

        self.judged(f"interrupted {action.what}", held, run)
        self.watch.count("signal in a call", "raised" if any(came_out) else "too late")
        if held.session.connected:
            self.judged("rpc after an interrupt", held, lambda: echo(self, held))
            return
        with self.watch.call("end", TIMEOUTS.close + 1.0):
            held.session.join(TIMEOUTS.close + 1.0)
        self.check(f"{held.name} has ended without a cause", holds=held.session.cause is not None)

    def _interrupt_connect(self) -> None:
        held = self.pool.new()
        call = self.watch.begin("interrupted connect", TIMEOUTS.overall)
        outcome = "done"
        connect = partial(held.connect, self.pool.target, self.pool.driver, CHUNKED, None)
        try:
            if self._interrupted(connect, 10 * _LATEST):
                outcome = self._raises.__name__
            else:
                held.session.close()
        except OF_CONNECT as error:
            self.watch.violated("connect failed, and nothing was done to it", error)
        except Exception as error:  # noqa: BLE001 - the point is to find those
            self.watch.violated("interrupted connect: this error is not documented", error)
        self.watch.end(call)
        self.watch.count("interrupted connect", outcome)
        # It may be connected, and have come from the call no more; so its peer ends it.
        held.proxy.close()

    def _interrupted(self, call: Callable[[], object], latest: float = _LATEST) -> bool:
        """Make a call with a signal in the middle; return whether its handler's error came out."""
        self._raises = self.chance.choice(OF_HANDLERS)
        seconds = self.chance.random() * latest + 1e-6
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, seconds)
                call()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except OF_HANDLERS:
            self.watch.forget()
            return True
        return False

    def _fork(self) -> None:
        held = self.pool.pick(self.chance)
        seed = self.chance.random()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._live_as_child(random.Random(seed), held)
        with self.watch.call("child", _CHILD + 5.0):
            _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self.watch.count("fork", "done" if code == 0 else f"exit code {code}")
        if code != 0:
            self.watch.violated(f"a forked child ends with {code}; its stderr tells")
        if held is not None and held.session.connected:
            self.judged("rpc after a fork", held, lambda: echo(self, held))

    def _live_as_child(self, chance: random.Random, held: Held | None) -> NoReturn:
        """Use or close what the parent has open, and exit: with none of the parent's locks."""
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_CHILD)
            if held is not None:
                _use(held, chance)
            gc.collect()
            code = 0
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def _use(held: Held, chance: random.Random) -> None:
    session = held.session
    began = time.monotonic()
    if chance.random() < 0.6:
        try:
            session.rpc("<echo>child</echo>", timeout=2)
        except errors.RPCTimeoutError as error:
            raise AssertionError("a session that cannot be is taken for open") from error
        except (*DOCUMENTED, errors.TransportError):
            pass
        else:
            raise AssertionError("a child's rpc is answered")
    if chance.random() < 0.6:
        chance.choice((session.close, session.close_session))()
        if session.connected:
            raise AssertionError("it is closed and connected")
    took = time.monotonic() - began
    if took > _IN_CHILD:
        raise AssertionError(f"it took {took:.1f} s")
