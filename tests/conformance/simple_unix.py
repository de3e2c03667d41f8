"""The shortest complete driver over a Unix socket: what the broken ones break."""

from __future__ import annotations

import os
import pwd
import socket
import struct

from ncwire.driver import Driver, DriverOption, Feature, OptionKind
from ncwire.errors import ConnectError, TransportError
from ncwire.testing.memory import MemoryChannel


class SimpleUnix(Driver):
    """NETCONF over a Unix socket, for what the kit asks."""

    name = "simple-unix"
    contract = (1, 0)
    transport = "unix"
    features = frozenset({Feature.SOCKET})
    driver_options = (
        DriverOption(name="path", kind=OptionKind.FILE, meaning="the socket's path"),
        DriverOption(name="peer_uid", kind=OptionKind.TEXT, meaning="the server's user"),
    )

    @classmethod
    def library(cls):
        return "unix"

    def connect(self, options, deadline):
        sock = options.sock or self.dialled(options.driver_options["path"])
        wanted = options.driver_options["peer_uid"]
        if wanted is not None and self.peer(sock) != uid_of(wanted):
            sock.close()
            raise TransportError(f"the peer is not {wanted}")
        return MemoryChannel(sock)

    def abort(self):
        pass

    def dialled(self, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            sock.connect(path)
        except OSError as error:
            sock.close()
            raise ConnectError(self.told(path, error)) from error
        return sock

    def told(self, path, error):
        return f"{path}: {os.strerror(error.errno)}"

    def peer(self, sock):
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return struct.unpack("iII", credentials)[1]


def uid_of(user):
    return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
