"""NETCONF call home (RFC 8071) by `await`: devices that call, as an async iterator of sessions."""

# ruff: noqa: ASYNC109 - the same parameters as the sync ones have

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar, cast

from ncwire._latch import Latch
from ncwire._one_process import OneProcess
from ncwire.aio.awaited import Signal
from ncwire.aio.loop_hub import current_hub, resolve
from ncwire.aio.opening import Opening
from ncwire.aio.session import Session
from ncwire.callhome.listen import listen as listen_sync
from ncwire.callhome.session import CallHomeSession as SyncSession
from ncwire.driver.seconds import seconds_or_none
from ncwire.driver.threads import start_thread
from ncwire.errors import ListenError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from ncwire._algorithms.policy import AlgorithmPolicy
    from ncwire._session.hub import Hub
    from ncwire._ssh.route.sockets import Address
    from ncwire.aio.loop_hub import LoopHub
    from ncwire.callhome.device import Device
    from ncwire.callhome.listener import Listener as SyncListener
    from ncwire.callhome.listener import Refusal
    from ncwire.driver import Algorithms, Backend, Timeouts

__all__ = ["CallHomeSession", "Listener", "listen"]

_T = TypeVar("_T")


class CallHomeSession(Session[SyncSession]):
    """A session that a device has opened; made by `Listener`, not by callers."""

    @property
    def device(self) -> str:
        """The device's name."""
        return self._inner.device

    @property
    def peer(self) -> Address:
        """The address and port that it called from, which identify nothing."""
        return self._inner.peer


def listen(
    devices: Iterable[Device],
    *,
    address: str | None = None,
    port: int | None = None,
    driver: str | type[Backend] | None = None,
    on_refused: Callable[[Refusal], object] | None = None,
    timeout: float = 60.0,
    timeouts: Timeouts | None = None,
    algorithms: Algorithms | AlgorithmPolicy | None = None,
    driver_options: Mapping[str, object] | None = None,
    concurrency: int = 32,
    backlog: int = 128,
) -> Opening[Listener]:
    """Listen for devices that call home: await what this returns, or enter it by `async with`.

    The parameters, what is verified, and what is raised are those of `ncwire.callhome.listen`. The
    running event loop serves the sessions. Calls are accepted and answered on threads of the
    listener's, at most `concurrency` of them, where `on_refused` is called too. Nothing is done
    before it is awaited.
    """
    listening = partial(
        listen_sync,
        devices,
        address=address,
        port=port,
        driver=driver,
        on_refused=on_refused,
        timeout=timeout,
        timeouts=timeouts,
        algorithms=algorithms,
        driver_options=driver_options,
        concurrency=concurrency,
        backlog=backlog,
    )

    async def opened() -> Listener:
        hub = current_hub()
        hub.enter(opened, lambda: "")  # until the listener has entered
        try:
            # It is as good as one, to a session.
            work = partial(listening, hub=cast("Hub", hub))
            listener = await _in_thread(hub, work, lambda listener: listener.close())
            return Listener(listener, hub)
        finally:
            hub.leave(opened)

    async def left(listener: Listener, _error: BaseException | None) -> None:
        await listener.close()

    return Opening(opened, left)


class Listener(OneProcess):
    """Listens until it is closed: `ncwire.callhome.Listener`, whose sessions are awaited.

    An async iterator of sessions, each given once, and each its taker's own, to be closed by them:
    they live on when the listener is closed. An async context manager. One that is open when its
    event loop is closed is told of by a `ResourceWarning`, and closed.
    """

    def __init__(self, listener: SyncListener, hub: LoopHub) -> None:
        self._listener = listener
        self._hub = hub
        self._changed = Signal(hub.home)
        self._closes = False
        listener.tell(self._changed.set)
        hub.enter(self, self._orphaned)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """The addresses that are listened on, each with the port."""
        return self._listener.addresses

    @property
    def port(self) -> int:
        """The port, which is the same on all addresses."""
        return self._listener.port

    async def update(self, devices: Iterable[Device]) -> None:
        """Have calls from now on answered for these devices: see `ncwire.callhome.Listener`."""
        await _in_thread(self._hub, partial(self._listener.update, devices), lambda _: None)

    async def accept(self, timeout: float | None = None) -> CallHomeSession:
        """Return the next session; wait for it up to `timeout` seconds, for ever by default.

        Raises `StepTimeoutError` when none has come, `ListenError` once the listener is closed.
        Of several tasks that accept each session goes to one. A task that is cancelled meanwhile
        has taken none.
        """
        seconds = None if timeout is None else seconds_or_none("timeout", timeout)
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            # What comes between the look and the wait sets it anew.
            self._changed.clear()
            try:
                return CallHomeSession(self._listener.accept(0), self._hub)
            except StepTimeoutError:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise StepTimeoutError("waiting for a call", timeout or 0.0) from None
            await self._changed.wait(left)

    async def close(self) -> None:
        """Stop listening, as `ncwire.callhome.Listener.close` does. Idempotent.

        Cancelled in the middle it goes on by itself.
        """
        if self._closes:
            return
        self._closes = True
        try:
            await _in_thread(self._hub, self._listener.close, lambda _: None)
        finally:
            self._hub.leave(self)

    def _orphaned(self) -> str:
        self._listener.close()
        return f"listener on port {self.port}"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallHomeSession:
        try:
            return await self.accept()
        except ListenError:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def _in_thread(hub: LoopHub, work: Callable[[], _T], undo: Callable[[_T], object]) -> _T:
    """Return what `work` does in a thread of its own; `undo` that where it is awaited no more."""
    done = hub.event_loop.create_future()
    results: list[_T] = []
    errors: list[BaseException] = []
    given_up = Latch()

    def run() -> None:
        try:
            result = work()
            # Then the look, as who gives up sets that and looks for a result: one sees the other.
            results.append(result)
            if given_up.is_set():
                undo(result)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            errors.append(error)
        with suppress(RuntimeError):  # closed: it is not awaited
            hub.event_loop.call_soon_threadsafe(resolve, done)

    try:
        start_thread(threading.Thread(target=run, name="ncwire-listen", daemon=True))
        await asyncio.shield(done)
    except BaseException:
        given_up.set()
        for result in results:
            undo(result)
        raise
    try:
        for error in errors:
            raise error
    finally:
        errors.clear()  # whose traceback refers to this
    return results[0]
