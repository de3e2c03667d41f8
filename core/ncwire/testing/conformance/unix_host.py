"""`UnixHost`: a server on a Unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.testing.conformance.host import Ends, Host
from ncwire.testing.fault_proxy import FaultProxy
from ncwire.testing.unix_server import EmbeddedUnixServer

if TYPE_CHECKING:
    from pathlib import Path


class UnixHost(Host):
    """One that listens at `path`."""

    def __init__(
        self, server: EmbeddedUnixServer, relay: FaultProxy, ends: Ends, patience: float, path: str
    ) -> None:
        super().__init__(server, relay, ends, patience)
        self.path = path

    @classmethod
    def start(cls, patience: float, folder: Path, name: str) -> UnixHost:
        """Return one whose sockets are in the folder, with a short name: few bytes fit."""
        ends = Ends(patience)
        path = str(folder / name)
        server = EmbeddedUnixServer(path=f"{path}s", script=ends.hand_over)
        return cls(server, FaultProxy(server.path, path), ends, patience, path)
