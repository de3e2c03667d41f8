"""`session.transport` as programs use it: as a `paramiko.Transport`, on any driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncwire.contrib.ncclient.parameters import number
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    import ncwire


class Transport:
    """Answers for the connection beneath a session, also after its end.

    What it has not itself is looked up in the driver's own object, which is paramiko's with the
    driver paramiko; AttributeError where that has it not, or the session has ended.
    """

    def __init__(self, session: ncwire.DriverSession, sock: object, close: Callable[[], None]):
        self._session = session
        self._close = close
        self.sock = Sock(session, sock)
        """Answers `getpeername` and `getsockname`."""

    @property
    def active(self) -> bool:
        """As `is_active`."""
        return self.is_active()

    @property
    def authenticated(self) -> bool:
        """Whether the session is open and logged in."""
        return self._session.connected

    @property
    def remote_version(self) -> str:
        """The server's identification string; "" where the driver does not know it."""
        info = self._session.channel_info
        return "" if info is None else info.server_version

    def is_active(self) -> bool:
        """Return whether the session is open."""
        return self._session.connected

    def is_authenticated(self) -> bool:
        """Return whether the session is open and logged in."""
        return self._session.connected

    def set_keepalive(self, interval: float) -> None:
        """Have the peer asked for a sign of life every `interval` seconds of silence; 0: never.

        After the session's end it does nothing. Raises `OptionError` for what is no number of
        seconds, and `UnsupportedOption` on a driver without keepalives.
        """
        try:
            self._session.set_keepalive(number(interval) or None)
        except TransportError:
            if self._session.connected:
                raise

    def getpeername(self) -> Any:
        """Return the peer's address; see `Sock.getpeername`."""
        return self.sock.getpeername()

    def close(self) -> None:
        """End the session."""
        self._close()

    def __getattr__(self, name: str) -> Any:
        native = None if name.startswith("_") else self._session.transport
        if native is not None and hasattr(native, name):
            return getattr(native, name)
        raise AttributeError(
            f"the transport of a session that ncwire carries has no {name!r}; what is paramiko's "
            "own is there with the driver paramiko, as long as the session is open",
            name=name,
            obj=self,
        )


class Sock:
    """Answers for the socket beneath a session: its addresses, also after the session's end."""

    def __init__(self, session: ncwire.DriverSession, given: object) -> None:
        self._session = session
        self._peer = _said_by(given, "getpeername")
        self._local = _said_by(given, "getsockname")

    def getpeername(self) -> Any:
        """Return the peer's address as `socket.getpeername` does; OSError where none is known."""
        return self._known(self._peer or self._session.peer_address)

    def getsockname(self) -> Any:
        """Return our own address as `socket.getsockname` does; OSError where none is known."""
        return self._known(self._local or self._session.local_address)

    @staticmethod
    def _known(address: Any) -> Any:
        if address is None:
            raise OSError("no socket of this process leads to the peer: its address is not known")
        return address


class Channel:
    """Answers for the channel beneath a session as far as programs ask."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""
        return not self._transport.is_active()

    def get_id(self) -> int:
        """Return the channel's number, of which there is one on a connection."""
        return 0

    def get_name(self) -> str:
        """Return the channel's name."""
        return self._name

    def get_transport(self) -> Transport:
        """Return the transport."""
        return self._transport

    def getpeername(self) -> Any:
        """Return the peer's address; see `Sock.getpeername`."""
        return self._transport.getpeername()


def _said_by(given: object, method: str) -> Any:
    # A socket of ours that a relay stands behind has no address that says anything.
    if given is None or not callable(getattr(given, method, None)):
        return None
    try:
        return getattr(given, method)()
    except OSError:
        return None
