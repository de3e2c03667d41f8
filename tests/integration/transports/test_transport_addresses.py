"""`Session.peer_address` and `local_address` over TLS and Unix sockets, and after the end."""

from __future__ import annotations

import ncwire
from servers.stream_server import unix_server


def test_over_tls(certificates):
    with certificates.serve() as server:
        session = ncwire.TLSSession()
        assert (session.peer_address, session.local_address) == (None, None)
        session.connect("127.0.0.1", server.port, **certificates.credentials())
        stream = server.opened.get()
        session.close()
        assert session.peer_address == server.address
        assert session.local_address == stream.peer


def test_over_a_unix_socket(tmp_path):
    path = str(tmp_path / "netconf.sock")
    with unix_server(path):
        session = ncwire.UnixSocketSession()
        session.connect(path)
        session.close()
    assert (session.peer_address, session.local_address) == (path, "")
