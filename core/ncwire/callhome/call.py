"""One call: from the accepted socket to a session, or to an error."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire.callhome.fair_queue import source_of
from ncwire.callhome.session import session_class
from ncwire.driver.deadline import Deadline
from ncwire.driver.forking import free_in_child
from ncwire.driver.options import ConnectOptions
from ncwire.errors import OptionError, SessionCloseError, UnsupportedOption

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from ncwire._plugins.connecting import Connecting
    from ncwire._session.hub import Hub
    from ncwire._ssh.route.sockets import Address
    from ncwire.callhome.device import Caller, Devices
    from ncwire.callhome.session import CallHomeSession
    from ncwire.driver import (
        Algorithms,
        Channel,
        SocketAddress,
        SocketDriver,
        SSHDriver,
        Timeouts,
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """How calls are answered, no matter which device calls."""

    driver: type[SSHDriver | SocketDriver]
    timeouts: Timeouts
    algorithms: Algorithms | None
    driver_options: Mapping[str, object] = field(default_factory=dict, repr=False)
    """As given to the listener."""
    hub: Hub | None = None
    """What serves the sessions."""


class Call:
    """A peer that has connected: who that is, and whether it means well, is to be seen.

    The socket is the call's own. `answer` is called once; after it has failed nothing is open.
    """

    def __init__(self, sock: socket.socket, peer: Address, terms: Terms) -> None:
        self.peer = peer
        self.source = source_of(peer)
        self.deadline = Deadline.after(terms.timeouts.overall, "call home")
        self.device: str | None = None
        """The device's name, once its host key or certificate has told it."""
        self._sock = sock
        self._terms = terms
        self._lock = threading.RLock()
        self._aborted = False
        self._abort: Callable[[], None] = sock.close

    def answer(self, devices: Devices) -> CallHomeSession:
        """Return a connected session with one of the devices.

        Raises what `connect` does over the driver's transport; after `abort` a
        `SessionCloseError`, closed by us, unless the call had failed before. Nothing secret, nor
        any user's name, has been sent when it is an `SSHUnknownHostError`, and no NETCONF message
        when it is a `CertificateError`.
        """
        caller = devices.caller(str(self.peer))
        connecting = self._connecting(caller)
        try:
            channel = connecting.run()
        except (OptionError, UnsupportedOption):
            self._sock.close()  # `run` has left it, as it would a caller's own
            raise
        finally:
            self.device = caller.name
        return self._open(caller, channel, connecting.local_address)

    def abort(self) -> None:
        """End the call, so that `answer` fails; a session that it has returned is left alone.

        From any thread, and idempotent.
        """
        with self._lock:
            self._aborted = True
            abort = self._abort
        abort()

    def abandon_in_child(self) -> None:
        """Close the copy of the socket in a forked child, and touch nothing else."""
        free_in_child(self._lock)
        self._aborted = True
        self._abort = _nothing
        self._sock.close()

    def _connecting(self, caller: Caller) -> Connecting:
        terms = self._terms
        options = ConnectOptions(
            host=None,
            username="",  # not known yet: each device has its own
            sock=self._sock,
            timeouts=terms.timeouts,
            algorithms=terms.algorithms,
        )
        try:
            connecting = caller.connecting(options, self.deadline)
            self._becomes(connecting.abort)
        except BaseException:
            self._sock.close()
            raise
        return connecting

    def _open(
        self, caller: Caller, channel: Channel, local: SocketAddress | None
    ) -> CallHomeSession:
        known = caller.device()
        try:
            driver = self._terms.driver
            session = session_class(driver)(
                known, self.peer, local, channel, driver, self._terms.hub
            )
            self._becomes(session.close)
            options = known.options
            session.open(
                channel,
                timeouts=options.timeouts,
                keepalive=options.keepalive,
                keepalive_count=options.keepalive_count,
                deadline=self.deadline,
            )
            # From here on it is the taker's: what ends the call must not end the session.
            self._becomes(_nothing)
        except BaseException as error:
            channel.abort()  # the session may have been closed before it had the channel
            if self._aborted and isinstance(error, Exception):
                raise _closed() from error
            raise
        return session

    def _becomes(self, abort: Callable[[], None]) -> None:
        with self._lock:
            if self._aborted:
                raise _closed()
            self._abort = abort


def _closed() -> SessionCloseError:
    return SessionCloseError(b"", closed_by="us", reason="closed while connecting")


def _nothing() -> None:
    """Do nothing: there is nothing left to abort."""
