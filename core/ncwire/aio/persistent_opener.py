"""How a persistent session gets its next session by `await`: by parameters, or from a function."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ncwire._session.base import Session as SyncSession
from ncwire.aio.connecting import Attempt
from ncwire.aio.session import Session
from ncwire.errors import OptionError, SessionCloseError
from ncwire.persistent.opener import ByParameters as SyncByParameters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ncwire._session.hub import Hub
    from ncwire._transports.session import DriverSession


class Opener(ABC):
    """What opens one session after the other."""

    name: str
    """What it connects to, for people."""

    @abstractmethod
    async def open(self) -> Session[Any]:
        """Return a connected session; cancelled meanwhile it leaves nothing."""


class ByParameters(Opener):
    """Connects as `ncwire.aio.connect` does.

    Raises what that raises for names and values of parameters; what it takes files or the driver
    to know comes with the first attempt, for the event loop is not to wait for those.
    """

    def __init__(self, host: str | None, parameters: Mapping[str, Any]) -> None:
        self._sync = SyncByParameters(host, parameters)
        self.name = self._sync.name

    async def open(self) -> Session[Any]:
        """Connect anew, by the same parameters."""
        return await Attempt(self._prepared).run()

    def _prepared(self, hub: Hub) -> tuple[DriverSession, Callable[[], None]]:
        return self._sync.prepared(hub=hub)


class ByFunction(Opener):
    """Asks a function for each session, and awaits what that returns."""

    def __init__(self, function: Callable[[], Awaitable[Session[Any]]], name: str | None) -> None:
        if not callable(function):
            raise OptionError("function", "must be callable, and return a session to be awaited")
        if name is not None and not isinstance(name, str):
            raise OptionError("name", f"must be a string, not {type(name).__name__}")
        self._function = function
        self.name = "the device" if name is None else name

    async def open(self) -> Session[Any]:
        """Return what the function's awaitable comes to. Raises TypeError for no session."""
        opened: object = self._function()
        if inspect.isawaitable(opened):
            opened = await opened
        if isinstance(opened, SyncSession):
            opened.end(SessionCloseError(b"", closed_by="us"))  # it is in no hands; does not wait
        if not isinstance(opened, Session):
            raise TypeError(
                "the function must return a session of ncwire.aio's when it is awaited, as "
                f"ncwire.aio.connect does, not {type(opened).__module__}.{type(opened).__name__}"
            )
        return opened
