"""`connect`: the blocking steps in a thread of the pool, and all the rest by the event loop."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ncwire._transports.connect import connect as connect_sync
from ncwire._transports.connect import prepared
from ncwire.aio.loop_hub import current_hub, resolve
from ncwire.aio.opening import Opening
from ncwire.aio.pool import POOL
from ncwire.aio.session import Session
from ncwire.driver.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Unpack

    from ncwire._protocol.framing import Limits
    from ncwire._session.hub import Hub
    from ncwire._ssh.options.parameters import ConnectParameters, Filename
    from ncwire._transports.session import DriverSession
    from ncwire.aio.loop_hub import LoopHub
    from ncwire.driver import Backend
    from ncwire.observe.observer import Observer
    from ncwire.profiles.ncclient_handler import ProfileLike

    Prepare = Callable[[Hub], tuple[DriverSession, Callable[[], None]]]

_GRACE = 5.0
"""Seconds that a cancelled connect waits for its thread: for as long a caller's own function may
keep that, such as an `auth_handler`. It ends when that returns."""


def connect(
    host: str | None,
    *,
    profile: ProfileLike | None = None,
    driver: str | type[Backend] | None = None,
    capabilities: Iterable[str] | None = None,
    limits: Limits | None = None,
    known_hosts: Filename | Iterable[Filename] | None = None,
    require_session_id: bool | None = None,
    observers: Iterable[Observer] = (),
    **parameters: Unpack[ConnectParameters],
) -> Opening[Session[DriverSession]]:
    """Connect, and return the session: `await` it, or enter it with `async with`, which ends it.

    The parameters, the errors, and what is verified are those of `ncwire.connect`, on every
    driver; there is no `hub`, for the running event loop serves the session. The blocking steps
    run in a thread of a bounded pool (see `limit_connecting`), and so do `auth_handler` and
    `unknown_host_cb`, which are ordinary functions. Nothing is done before it is awaited.

    Cancelled meanwhile it is broken off, and leaves no socket, thread or fd.

    Raises what `ncwire.connect` does, and `SessionError` in an event loop that cannot watch file
    descriptors.
    """

    def prepare(hub: Hub) -> tuple[DriverSession, Callable[[], None]]:
        if "hub" in parameters:
            raise TypeError("ncwire.aio.connect takes no hub: the event loop serves the session")
        return prepared(
            host,
            profile=profile,
            driver=driver,
            capabilities=capabilities,
            limits=limits,
            hub=hub,
            known_hosts=known_hosts,
            require_session_id=require_session_id,
            observers=observers,
            **parameters,
        )

    async def opened() -> Session[DriverSession]:
        return await Attempt(prepare, partial(_close_given, parameters)).run()

    return Opening(opened, _left)


def _close_given(parameters: Mapping[str, Any]) -> None:
    sock, fd = (parameters.get(name) for name in ("sock", "sock_fd"))
    if isinstance(sock, socket.socket):
        sock.close()
    if isinstance(fd, int):
        with suppress(OSError):  # it is none
            os.close(fd)


def _nothing() -> None:
    pass


async def _left(session: Session[DriverSession], error: BaseException | None) -> None:
    await session.__aexit__(None if error is None else type(error), error, None)


def _spelled_out() -> inspect.Signature:
    """Return the signature of `ncwire.connect`, as far as it is this one's."""
    own, other = inspect.signature(connect), inspect.signature(connect_sync)
    listed = [each for name, each in other.parameters.items() if name != "hub"]
    return own.replace(parameters=listed)


connect.__dict__["__signature__"] = _spelled_out()


class Attempt:
    """One connect, which can be broken off. `run` is called once.

    `free` closes what it was given, a socket of the caller's: where it is broken off before it
    has come to that, as it is closed where it is broken off later.
    """

    def __init__(self, prepare: Prepare, free: Callable[[], None] = _nothing) -> None:
        self._prepare = prepare
        self._free = free
        self._hub: LoopHub = current_hub()
        self._done = self._hub.event_loop.create_future()
        self._aborted = False
        self._session: DriverSession | None = None
        self._error: BaseException | None = None

    async def run(self) -> Session[DriverSession]:
        """Return the open session; raise why there is none."""
        hub = self._hub
        hub.enter(self, self._orphaned)
        # Whoever still awaits it: until then its thread may be about to join the hub.
        self._done.add_done_callback(self._left)
        try:
            try:
                POOL.submit(self._connect)
            except BaseException:
                self._abort()  # an interrupt may have come when it had begun
                self._tell()
                raise
            try:
                await asyncio.shield(self._done)
            except asyncio.CancelledError:
                await self._broken_off()
                raise
            except BaseException:  # the event loop runs no more
                self._abort()
                raise
            if self._error is not None:
                raise self._error
            # No await stands between the two: so who awaits this has it, or it is broken off.
            return Session(cast("DriverSession", self._session), hub)
        finally:
            self._error = None  # whose traceback refers to this

    def _left(self, _done: asyncio.Future[None]) -> None:
        self._hub.leave(self)

    def _connect(self) -> None:
        """Connect in a thread of the pool; raises nothing."""
        try:
            # It is as good as one, to a session.
            session, connecting = self._prepare(cast("Hub", self._hub))
            self._session = session
            if self._aborted:
                session.close()  # so that it does not connect any more
                self._free()
            connecting()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            self._error = error
        self._hub.home.call(self._tell)

    def _tell(self) -> None:
        resolve(self._done)

    def _orphaned(self) -> str:
        self._abort()
        return ""

    def _abort(self) -> None:
        # First, for the thread looks for it when there is a session to close.
        self._aborted = True
        session = self._session
        if session is not None:
            session.close()

    def _abort_in_thread(self, aborted: asyncio.Future[None]) -> None:
        try:
            self._abort()
        finally:
            # Not by the home, which is closed by now if nothing else is served.
            with suppress(RuntimeError):  # the event loop is closed: it is not awaited
                self._hub.event_loop.call_soon_threadsafe(resolve, aborted)

    async def _broken_off(self) -> None:
        """Break it off, and wait until nothing of it is left."""
        if POOL.cancel(self._connect):
            self._free()
            self._tell()
            return
        aborted = self._hub.event_loop.create_future()
        # In a thread, for a driver's `abort` may take its time: to end a process, or to wait for
        # a lock that its own connect holds.
        work = partial(self._abort_in_thread, aborted)
        try:
            start_thread(threading.Thread(target=work, name="ncwire-connect-abort", daemon=True))
        except RuntimeError:  # none can be started
            work()
        await asyncio.wait([self._done, aborted], timeout=_GRACE)
        session = self._session
        if session is not None:
            await asyncio.wait([self._hub.gone(session)], timeout=_GRACE)
