"""Sessions with devices that have called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._transports.session import DriverSession
from ncwire._transports.ssh import SSHSession
from ncwire._transports.tls import TLSSession
from ncwire.profiles.driver_choice import DriverChoice

if TYPE_CHECKING:
    from ncwire._session.hub import Hub
    from ncwire._ssh.route.sockets import Address
    from ncwire.callhome.device import KnownDevice
    from ncwire.driver import Backend, Channel, SocketAddress


class CallHomeSession(DriverSession):
    """A connected session, which the device has opened; made by `Listener`, not by callers.

    It is an `SSHSession` or a `TLSSession`, too. `device` is the device's name, by which `host`
    is called too; `peer` the address and port that it called from, which identify nothing.
    """

    def __init__(
        self,
        known: KnownDevice,
        peer: Address,
        local: SocketAddress | None,
        channel: Channel,
        driver: type[Backend],
        hub: Hub | None = None,
    ) -> None:
        device = known.device
        super().__init__(
            device.capabilities,
            driver=driver,
            limits=device.limits,
            hub=hub,
            profile=known.profile,
        )
        self.device = known.name
        self.peer = peer
        self._options = known.options
        self._driver_choice = DriverChoice(driver.name, "the listener")
        self._channel = channel
        self._backend = driver
        self._peer_address, self._local_address = peer.sockaddr, local

    @property
    def port(self) -> None:
        """None: the device has called us, not we a port of its."""
        return


class SSHCallHomeSession(CallHomeSession, SSHSession):
    """One over SSH."""


class TLSCallHomeSession(CallHomeSession, TLSSession):
    """One over TLS."""


def session_class(driver: type[Backend]) -> type[CallHomeSession]:
    """Return the class for the driver's transport."""
    return TLSCallHomeSession if driver.transport == "tls" else SSHCallHomeSession
