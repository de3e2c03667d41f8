"""The listener: takes in who calls, has calls answered a few at a time, hands out sessions."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from ncwire._one_process import OneProcess
from ncwire._session.base import forked
from ncwire._unclosed import closed, opened
from ncwire.callhome.call import Call
from ncwire.callhome.fair_queue import FairQueue
from ncwire.callhome.known import known_devices
from ncwire.callhome.workers import Workers
from ncwire.driver import Forkable, watch_forks
from ncwire.driver.deadline import SLICE
from ncwire.driver.forking import is_free
from ncwire.driver.seconds import seconds_or_none
from ncwire.driver.threads import start_thread
from ncwire.errors import (
    ListenError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from ncwire._ssh.route.sockets import Address
    from ncwire.callhome.acceptor import Acceptor
    from ncwire.callhome.call import Terms
    from ncwire.callhome.device import Device, Devices
    from ncwire.callhome.session import CallHomeSession

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that came to nothing: who called from where, and why there is no session."""

    peer: Address
    device: str | None
    """The device's name, if its host key or certificate had told it already."""
    error: Exception

    def __str__(self) -> str:
        name = "" if self.device is None else f" of {self.device}"
        return f"call{name} from {self.peer} refused: {self.error}"


class Listener(Forkable, OneProcess):
    """Listens until it is closed; made by `listen`.

    Iterating over it, or `accept`, gives each session once; a session is its taker's own, to be
    closed by them, and lives on when the listener is closed. A device that calls again while it
    is connected gets another session: what that means is for the user to decide.

    One that is still open at exit is told of by a `ResourceWarning`. In a forked child it is
    closed, and the parent's listens on; it is neither copied nor pickled (TypeError).

    One thread accepts and sees to whose turn it is, and each call is answered on one of its own.
    """

    def __init__(
        self,
        acceptor: Acceptor,
        devices: Devices,
        terms: Terms,
        on_session: Callable[[CallHomeSession], object] | None,
        on_refused: Callable[[Refusal], object] | None,
        concurrency: int,
        backlog: int,
    ) -> None:
        self._acceptor = acceptor
        self._devices = devices
        self._terms = terms
        self._on_session = on_session
        self._on_refused = on_refused
        self._concurrency = concurrency
        self._backlog = backlog
        self._waiting: FairQueue[Call] = FairQueue(backlog, max(1, concurrency // 2))
        self._workers = Workers(self._answer, acceptor.wake)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # guards the two that follow
        self._closed = False
        self._why = "the listener is closed"
        self._ready: deque[CallHomeSession] = deque()
        self._tell: Callable[[], object] = _nothing
        self._keeper = threading.Thread(
            target=self._keep, name=f"ncwire-listen-{self.port}", daemon=True
        )
        try:
            start_thread(self._keeper)
        except BaseException:
            acceptor.close()
            raise
        opened(self, lambda: f"listener on port {self.port}")
        watch_forks(self)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """The addresses that are listened on, each with the port."""
        return self._acceptor.addresses

    @property
    def port(self) -> int:
        """The port, which is the same on all addresses."""
        return self.addresses[0][1]

    def update(self, devices: Iterable[Device]) -> None:
        """Have calls from now on answered for these devices, in place of those until now.

        known_hosts, key files and certificates are read again, too. Raises what `listen` raises
        for devices; those until now stay then. Sessions are not touched.
        """
        self._devices = known_devices(devices, self._terms)

    def accept(self, timeout: float | None = None) -> CallHomeSession:
        """Return the next session; wait for it up to `timeout` seconds, for ever by default.

        Raises `StepTimeoutError` when none has come, `ListenError` once the listener is closed.
        """
        if self._on_session is not None:
            raise OptionError("on_session", "it is given the sessions, so that none comes here")
        until = None
        if timeout is not None:
            until = time.monotonic() + seconds_or_none("timeout", timeout)
        while True:
            with self._lock:
                while not (self._ready or self._closed):
                    left = SLICE if until is None else until - time.monotonic()
                    if left <= 0:
                        raise StepTimeoutError("waiting for a call", timeout or 0.0)
                    self._changed.wait(min(left, SLICE))
                if self._closed:
                    raise ListenError(self._why)
                session = self._ready.popleft()
            self._acceptor.wake()  # there is room for another
            if session.cause is None:
                return session
            self._refuse(Refusal(session.peer, session.device, session.cause))

    def tell(self, function: Callable[[], object]) -> None:
        """Have a function called when a session has come, or no more will: for an event loop.

        `accept(0)` takes the session then, or says so. It is called on any thread, must be quick
        and raise nothing; what came before this call it is not told of.
        """
        self._tell = function

    def close(self) -> None:
        """Stop listening; end the calls under way, and the sessions that were not taken.

        Idempotent, bounded by `Timeouts.close`, from any thread and from the callbacks. Who
        waits in `accept` is woken. Sessions that were handed over live on, and a callback that
        is at work with one is not waited for. At the interpreter's end it returns at once: see
        `Session.close`.
        """
        closed(self)
        if sys.is_finalizing():
            self._closed = True
            return
        with self._lock:
            self._closed = True
            untaken = list(self._ready)
            self._ready.clear()
            self._changed.notify_all()
        self._tell()
        self._acceptor.wake()
        self._workers.end()
        until = time.monotonic() + self._terms.timeouts.close
        # All at once: each may take a while over a peer that takes nothing in.
        closing = [threading.Thread(target=session.close, daemon=True) for session in untaken]
        for thread in closing:
            start_thread(thread)
        left = self._workers.join(until)
        for thread in (self._keeper, *closing):
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
                left += [thread.name] if thread.is_alive() else []
        if left:
            _log.warning("listener on port %d: %s did not end", self.port, ", ".join(left))

    def abandon_in_child(self) -> None:
        """Be closed in a forked child, and touch nothing of the parent's: the fork's to call."""
        closed(self)
        self._why = str(forked())
        self._closed = True
        self._ready.clear()  # each ends by itself
        self._acceptor.abandon_in_child()
        self._workers.abandon_in_child()
        for call in self._waiting:
            call.abandon_in_child()
        if is_free(self._lock):
            with self._lock:
                self._changed.notify_all()
        else:
            self._lock = threading.RLock()
            self._changed = threading.Condition(self._lock)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> CallHomeSession:
        try:
            return self.accept()
        except ListenError:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- on the keeper's thread ----------------------------------------------------------------

    def _keep(self) -> None:
        try:
            while not self._closed:
                for sock, peer in self._acceptor.wait(self._waiting.due()):
                    self._waiting.admit(Call(sock, peer, self._terms))
                for call in self._workers.answered():
                    self._waiting.answered(call)
                for call in self._waiting.expired(time.monotonic()):
                    late = StepTimeoutError("waiting for its turn", call.deadline.seconds)
                    self._turn_away(call, late)
                self._start_answering()
                for call in self._waiting.left_out():
                    problem = f"{self._backlog} others are waiting for their turn"
                    self._turn_away(call, ListenError(problem))
        finally:
            with self._lock:  # whatever ended it, `accept` shall not wait for what cannot come
                self._closed = True
                self._changed.notify_all()
            self._tell()
            self._acceptor.close()
            for call in self._waiting:
                call.abort()

    def _start_answering(self) -> None:
        while self._has_room() and (call := self._waiting.next()) is not None:
            try:
                self._workers.start(call)
            except RuntimeError as error:
                self._waiting.answered(call)
                self._turn_away(call, ListenError(f"no thread can answer it: {error}"))

    def _has_room(self) -> bool:
        answering = len(self._workers)
        untaken = max(self._backlog, self._concurrency)
        return answering < self._concurrency and answering + len(self._ready) < untaken

    def _turn_away(self, call: Call, error: Exception) -> None:
        call.abort()
        self._refuse(Refusal(call.peer, call.device, error))

    # --- on a call's thread --------------------------------------------------------------------

    def _answer(self, call: Call) -> Callable[[], None] | None:
        try:
            session = call.answer(self._devices)
        except Exception as error:  # noqa: BLE001 - an auth_handler may raise anything
            if not _is_by_us(error):
                self._refuse(Refusal(call.peer, call.device, error))
            return None
        with self._lock:
            late = self._closed
            if not late:
                _log.debug("session %s of %s from %s", session.id, session.device, session.peer)
                if self._on_session is not None:
                    return partial(self._hand_over, self._on_session, session)
                self._ready.append(session)
                self._changed.notify()
        (session.close if late else self._tell)()
        return None

    @staticmethod
    def _hand_over(
        on_session: Callable[[CallHomeSession], object], session: CallHomeSession
    ) -> None:
        try:
            on_session(session)
        except Exception:  # noqa: BLE001 - the user's own, which must hurt no other call
            _log.exception("on_session raised, session %s ends", session.name)
            session.close()

    def _refuse(self, refusal: Refusal) -> None:
        if self._on_refused is None:
            _log.warning("%s", refusal)
            return
        _log.info("%s", refusal)
        try:
            self._on_refused(refusal)
        except Exception:  # noqa: BLE001 - as with on_session
            _log.exception("on_refused raised")


def _nothing() -> None:
    """Do nothing: no event loop waits for it."""


def _is_by_us(error: Exception) -> bool:
    return isinstance(error, SessionCloseError) and error.closed_by == "us"
