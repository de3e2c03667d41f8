"""How a persistent session gets its next session: by parameters, or from a function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ncwire._plugins.url import PATH, is_url, spelled_out
from ncwire._session.base import Session
from ncwire._ssh.options.defaults import DEFAULT_PORT
from ncwire._ssh.options.parameters import Parameters, check, check_names
from ncwire._transports.connect import prepared
from ncwire._transports.session import as_profile
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ncwire._transports.session import DriverSession

_OF_A_SESSION = ("capabilities", "limits", "hub", "known_hosts", "require_session_id", "observers")


class Opener(ABC):
    """What opens one session after the other."""

    name: str
    """What it connects to, for people."""

    @abstractmethod
    def open(self, take: Callable[[Session], None]) -> Session:
        """Return a connected session; it is handed to `take` as soon as it can be closed.

        What `take` raises comes out. Whoever has taken it frees it when this raises.
        """


class ByParameters(Opener):
    """Connects as `ncwire.connect` does. Raises what that raises for parameters, with no I/O.

    For all of them `check` is called, too, which may read files and import the driver.
    """

    def __init__(self, host: str | None, parameters: Mapping[str, Any]) -> None:
        given: dict[str, Any] = {name: _kept(value) for name, value in parameters.items()}
        check_names("Persistent", {name: None for name in given if name not in _CONNECTS_OWN})
        for name in ("sock", "sock_fd"):
            if given.get(name) is not None:
                raise OptionError(
                    name, "a socket carries one session only; use Persistent.from_function"
                )
        url = None
        if host is not None and is_url(host):
            url = host
            said = {k: v for k, v in given.items() if k not in _OF_A_SESSION}
            rest = {k: v for k, v in given.items() if k in _OF_A_SESSION}
            given = {**spelled_out(host, {"profile": None, "driver": None, **said}), **rest}
            host = given.pop("host")
        if given.get("profile") is not None:
            given["profile"] = as_profile(given["profile"])
        connects = {k: v for k, v in given.items() if k not in _CONNECTS_OWN}
        check(Parameters(host=host, **connects), needs_host=False)
        self._host = host
        self._given = given
        self.name = _name(host, given.get("port")) or url or _path(given)

    def check(self) -> None:
        """Raise what a connect raises before it uses the network."""
        self.prepared()[0].close()  # it was never opened

    def open(self, take: Callable[[Session], None]) -> Session:
        """Connect anew, by the same parameters."""
        session, connecting = self.prepared()
        take(session)
        connecting()
        return session

    def prepared(self, **more: Any) -> tuple[DriverSession, Callable[[], None]]:
        """Return a session that is not connected yet, and what connects it; `more` is a `hub`."""
        return prepared(self._host, **self._given, **more)


_CONNECTS_OWN = frozenset({"profile", "driver", *_OF_A_SESSION})
"""Parameters of `ncwire.connect` that are not its session's `connect`."""


class ByFunction(Opener):
    """Asks a function for each session."""

    def __init__(self, function: Callable[[], Session], name: str | None) -> None:
        if not callable(function):
            raise OptionError("function", "must be callable, and return a connected session")
        if name is not None and not isinstance(name, str):
            raise OptionError("name", f"must be a string, not {type(name).__name__}")
        self._function = function
        self.name = "the device" if name is None else name

    def open(self, take: Callable[[Session], None]) -> Session:
        """Return what the function returns. Raises TypeError for what is no connected session."""
        session = self._function()
        if not isinstance(session, Session):
            what = type(session).__name__
            raise TypeError(f"the function must return a connected session, not {what}")
        try:
            take(session)
            _check_was_connected(session)
        except BaseException:
            session.close()
            raise
        return session


def _name(host: str | None, port: object) -> str | None:
    if not host or port is None or port == DEFAULT_PORT:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _path(given: Mapping[str, Any]) -> str:
    return str((given.get("driver_options") or {}).get(PATH, "the device"))


def _check_was_connected(session: Session) -> None:
    # By the server's hello, too: one that ends just now has its cause a bit later.
    if not (session.connected or session.cause or session.server_capabilities):
        raise TypeError("the function must return a connected session; this one is not connected")


def _kept(value: object) -> object:
    """Return what can be read more than once: an iterator would be empty the second time."""
    return tuple(value) if isinstance(value, Iterator) else value
