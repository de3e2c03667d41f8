"""What a session tells of itself, without a wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ncwire._transports.session import DriverSession

if TYPE_CHECKING:
    from ncwire._protocol.capabilities import Capabilities
    from ncwire.driver import ChannelInfo, SocketAddress
    from ncwire.errors import NcwireError
    from ncwire.profiles import DeviceProfile
    from ncwire.profiles.driver_choice import DriverChoice

InnerT = TypeVar("InnerT", bound=DriverSession)


class Facts(Generic[InnerT]):
    """What a session tells of itself, without a wait: as `ncwire.DriverSession` has it."""

    def __init__(self, inner: InnerT) -> None:
        self._inner = inner

    @property
    def id(self) -> str | None:
        """The session-id; None where the server's hello has none, which must be allowed."""
        return self._inner.id

    @property
    def connected(self) -> bool:
        """Whether the session is open."""
        return self._inner.connected

    @property
    def cause(self) -> NcwireError | None:
        """Why the session ended; None as long as it has not."""
        return self._inner.cause

    @property
    def client_capabilities(self) -> Capabilities:
        """The client's capabilities."""
        return self._inner.client_capabilities

    @property
    def server_capabilities(self) -> Capabilities:
        """The server's capabilities."""
        return self._inner.server_capabilities

    @property
    def peer_address(self) -> SocketAddress | None:
        """The peer's address: see `ncwire.Session.peer_address`."""
        return self._inner.peer_address

    @property
    def local_address(self) -> SocketAddress | None:
        """Our own address; None also where it is not known."""
        return self._inner.local_address

    @property
    def profile(self) -> DeviceProfile | None:
        """The device profile; None when none was given."""
        return self._inner.profile

    @property
    def driver_choice(self) -> DriverChoice | None:
        """Which driver was taken, and why."""
        return self._inner.driver_choice

    @property
    def transport(self) -> object | None:
        """The backend library's own object; None when not connected."""
        return self._inner.transport

    @property
    def channel_info(self) -> ChannelInfo | None:
        """Library, algorithms and server of the connection."""
        return self._inner.channel_info

    @property
    def host(self) -> str | None:
        """The host, as ssh_config resolved it; None without one."""
        return self._inner.host

    @property
    def port(self) -> int | None:
        """The port."""
        return self._inner.port

    @property
    def unmatched_replies(self) -> int:
        """How many replies came that no call waited for, or no longer."""
        return self._inner.unmatched_replies

    def __repr__(self) -> str:
        return f"<ncwire.aio {self._inner!r}"[:-1] + ">"
