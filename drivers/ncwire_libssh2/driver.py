"""`Libssh2Driver`: the steps of an SSH connection as calls of ssh2-python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver import Feature, SSHDriver
from ncwire.errors import DriverUnavailable, TransportError
from ncwire_libssh2.algorithms import LIBSSH2_ALGORITHMS

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from ncwire.driver import (
        AgentIdentity,
        Algorithms,
        Attempt,
        AuthOutcome,
        Channel,
        ChannelRequest,
        Deadline,
        HostKey,
        Library,
    )
    from ncwire_libssh2.steps import Steps

_NAME = "libssh2"
_LIBRARY = "ssh2-python"
_REMEDY = "pip install 'ncwire[libssh2]'"


class Libssh2Driver(SSHDriver):
    """SSH by libssh2, through ssh2-python.

    What it cannot do: post-quantum key exchange, host certificates, and telling the server's
    authentication banner. A wait for one answer of the server's ends after 60 seconds even
    when the deadline is later (libssh2 1.11.1, packet_read_timeout), with `SSHError`.
    """

    name = _NAME
    contract = (1, 0)
    features: ClassVar[frozenset[Feature]] = SSHDriver.CORE_FEATURES | {
        Feature.PASSWORD,
        Feature.PUBLICKEY,
        Feature.KEYBOARD_INTERACTIVE,
        Feature.AGENT,
        Feature.USER_CERTIFICATE,
        Feature.ENVIRONMENT,
        Feature.KEEPALIVE,
        Feature.FINISH,
        Feature.ALGORITHMS,
        Feature.COMPRESSION,
        Feature.PROXY_JUMP,
    }
    algorithms = LIBSSH2_ALGORITHMS

    def __init__(self) -> None:
        self._steps: Steps | None = None
        self._aborted = False

    @classmethod
    def check_available(cls) -> None:
        """Raise `DriverUnavailable` unless ssh2-python can be imported."""
        try:
            import_module("ssh2.session")
        except ModuleNotFoundError as error:
            raise DriverUnavailable(_NAME, f"{_LIBRARY} is not installed", _REMEDY) from error
        except ImportError as error:
            raise DriverUnavailable(
                _NAME, f"{_LIBRARY} cannot be imported: {error}", _REMEDY
            ) from error

    @classmethod
    def library(cls) -> str:
        """Return "ssh2-python 1.2.0 (libssh2 1.11.1)". Raises `DriverUnavailable`."""
        cls.check_available()
        from ncwire_libssh2.steps import library_version  # noqa: PLC0415 - as in `handshake`

        return f"{_LIBRARY} {library_version()}"

    @classmethod
    def libraries(cls) -> Sequence[Library]:
        """Return ssh2-python and libssh2, and whether this is the one that came with it."""
        cls.check_available()
        from ncwire_libssh2.loaded import libraries  # noqa: PLC0415 - as in `handshake`

        return libraries()

    def handshake(
        self, sock: socket.socket, algorithms: Algorithms, deadline: Deadline
    ) -> HostKey:
        """Exchange keys; see `SSHDriver.handshake`.

        The fd moves to a socket object of the driver's own, so `sock` is closed from here on
        and closing it does nothing: libssh2 writes to a number, which may be another's now.
        """
        # Deferred, so that the driver can be listed where ssh2-python is not installed.
        from ncwire_libssh2.steps import Steps  # noqa: PLC0415

        self._steps = steps = Steps(sock)
        if self._aborted:
            self.abort()
        return steps.handshake(algorithms, deadline)

    def agent_identities(self, agent: str, deadline: Deadline) -> Sequence[AgentIdentity]:
        """Return the agent's keys; see `SSHDriver.agent_identities`."""
        from ncwire_libssh2.agent import identities  # noqa: PLC0415 - as above

        return identities(agent, deadline)

    def authenticate(self, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        """Carry out one attempt; see `SSHDriver.authenticate`.

        libssh2 tells neither a partial success from a denial nor the methods that are left: what
        comes of a password, prompts, or a signature that did not let in is `UNCLEAR`.
        """
        return self._connected().authenticate(attempt, deadline)

    def open_channel(
        self, request: ChannelRequest, environment: Mapping[str, str], deadline: Deadline
    ) -> Channel:
        """Open a channel; see `SSHDriver.open_channel`."""
        return self._connected().open_channel(request, environment, deadline)

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Channel:
        """Open a channel to a host and port; see `SSHDriver.open_tunnel`."""
        return self._connected().open_tunnel(host, port, deadline)

    def abort(self) -> None:
        """Free everything; a step under way in another thread fails."""
        self._aborted = True
        if self._steps is not None:
            self._steps.abort()

    def _connected(self) -> Steps:
        if self._steps is None:
            raise TransportError("there is no connection")
        return self._steps
