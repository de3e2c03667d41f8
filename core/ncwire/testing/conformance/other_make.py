"""`OtherMake`: a host whose server is of another make than the kit's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ncwire.testing.conformance.host import PASSWORD, USERNAME, Ends, Host
from ncwire.testing.fault_proxy import FaultProxy

if TYPE_CHECKING:
    from ncwire.testing.conformance.asyncssh_server import AsyncSSHServer

_MISSING = "AsyncSSH is not installed; install it with: pip install 'ncwire[conformance]'"


class OtherMake(Host):
    """AsyncSSH's server. It has what paramiko's has not: see the rules of `makes`."""

    def __init__(self, server: AsyncSSHServer, ends: Ends, patience: float) -> None:
        super().__init__(server, FaultProxy(("127.0.0.1", server.port)), ends, patience)
        self._key = server.host_key
        self._streams = server.streams

    @classmethod
    def start(cls, patience: float, **settings: Any) -> OtherMake:
        """Return one that lets `USERNAME` in by the password, and by what the settings say.

        They are `AsyncSSHServer`'s. Skips the test where there is no AsyncSSH.
        """
        try:
            from ncwire.testing.conformance.asyncssh_server import (  # noqa: PLC0415 - optional
                AsyncSSHServer,
            )
        except ImportError:
            pytest.skip(_MISSING)
        ends = Ends(patience)
        server = AsyncSSHServer(ends.hand_over, username=USERNAME, password=PASSWORD, **settings)
        return cls(server, ends, patience)

    @property
    def known_hosts(self) -> str:
        """The text of a known_hosts file that has the server, under any name."""
        return f"* {self._key.type} {self._key.base64}\n"

    @property
    def largest(self) -> int:
        """How many bytes of data the largest message had that a client has sent."""
        return max((stream.largest for stream in self._streams), default=0)
