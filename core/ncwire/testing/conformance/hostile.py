"""A server that is out to hold its client, before it can be known for one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ncwire.driver import HostKey
from ncwire.testing.conformance.awkward import AwkwardPeer
from ncwire.testing.host_key import generate_host_key, load_host_key

if TYPE_CHECKING:
    import socket

_COUNT = 0xFFFFFFFF


class ManyExtensions(AwkwardPeer):
    """Says right after the key exchange that it has 4,294,967,295 extensions, and names none.

    A client that believes the count goes through all of them (RFC 8308 section 2.3; found as
    CVE-2026-55199 in libssh2 up to 1.11.1, and in paramiko 5.1). It knows the host key by then,
    and has not told its caller.
    """

    def __init__(self) -> None:
        self._key = load_host_key(generate_host_key())
        super().__init__(self._shake_hands)

    @property
    def known_hosts(self) -> str:
        """The text of a known_hosts file that has the server, under any name."""
        key = HostKey.from_blob(self._key.asbytes())
        return f"* {key.type} {key.base64}\n"

    def _shake_hands(self, sock: socket.socket) -> bool:
        import paramiko  # noqa: PLC0415 - only those who start a server need it
        from paramiko.common import cMSG_EXT_INFO  # noqa: PLC0415 - only for a server

        class Server(paramiko.Transport):
            server_sig_algs = False

            def _activate_outbound(self) -> None:
                super()._activate_outbound()  # type: ignore[misc] # the stubs have public names
                message = paramiko.Message()
                message.add_byte(cMSG_EXT_INFO)
                message.add_int(_COUNT)
                self._send_message(message)  # type: ignore[attr-defined] # the same

        server = Server(sock)
        server.set_log_channel("ncwire.testing.ssh_connection")
        server.add_server_key(self._key)
        server.start_server(threading.Event(), paramiko.ServerInterface())
        server.join()
        return False
