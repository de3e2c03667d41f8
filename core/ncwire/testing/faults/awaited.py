"""`AwaitedSession`: a session of `ncwire.aio`, for a trial that calls it as any other."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ncwire import SSHSession
from ncwire.aio.connecting import Attempt
from ncwire.aio.loop_hub import current_hub

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ncwire._session.hub import Hub
    from ncwire._session.reply import Reply
    from ncwire.aio import Session
    from ncwire.aio.loop_hub import LoopHub
    from ncwire.driver import Backend

_T = TypeVar("_T")
_PATIENCE = 60.0


class AwaitedSession(SSHSession):
    """Connects, asks and closes by `await`, in an event loop of its own in a thread.

    Its listeners, futures and functions are those of the session beneath, which is this. `release`
    ends the event loop, once the session has ended.
    """

    def __init__(self, driver: type[Backend]) -> None:
        self._event_loop = asyncio.new_event_loop()
        self._server = threading.Thread(
            target=self._event_loop.run_forever, name="matrix event loop", daemon=True
        )
        self._server.start()
        self._home: LoopHub = self._awaited(self._enter())
        self._opened_by_await: Session[Any] | None = None
        # It is as good as one, to a session.
        super().__init__(driver=driver, hub=cast("Hub", self._home))

    def connect(self, **parameters: Any) -> None:  # type: ignore[override] # as the trial calls it
        """See `ncwire.aio.connect`."""
        self._opened_by_await = self._awaited(self._connect_by_await(parameters))

    def rpc(self, operation: str, timeout: float | None = None) -> Reply:  # type: ignore[override]
        """See `ncwire.aio.Session.rpc`."""
        return self._awaited(self._by_await().rpc(operation, timeout))

    def close_session(self, timeout: float | None = None) -> None:
        """See `ncwire.aio.Session.close_session`."""
        self._awaited(self._by_await().close_session(timeout))

    def close(self) -> None:
        """See `ncwire.aio.Session.close`; on the event loop's thread it waits for nothing."""
        opened = self._opened_by_await
        if opened is None or threading.current_thread() is self._server:
            super().close()
        else:
            self._awaited(opened.close())

    def release(self) -> None:
        """End the event loop."""
        self._awaited(self._leave_home())
        self._event_loop.call_soon_threadsafe(self._event_loop.stop)
        self._server.join(_PATIENCE)
        self._event_loop.close()

    def _by_await(self) -> Session[Any]:
        if self._opened_by_await is None:
            raise RuntimeError("it is not connected")
        return self._opened_by_await

    def _awaited(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._event_loop).result()

    async def _enter(self) -> LoopHub:
        hub = current_hub()
        hub.enter(self._server, lambda: "")
        return hub

    async def _leave_home(self) -> None:
        self._home.leave(self._server)

    async def _connect_by_await(self, parameters: dict[str, Any]) -> Session[Any]:
        return await Attempt(
            lambda _: (self, partial(super(AwaitedSession, self).connect, **parameters))
        ).run()
