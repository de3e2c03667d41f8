"""`Session.peer_address` and `local_address` over SSH, on each driver, and after the end."""

from __future__ import annotations

import socket

import pytest

from ncwire import Jump
from servers import requirement

pytestmark = pytest.mark.sshd


def test_the_peers_address_stays_known_after_the_end(sshd, connect):
    session = connect(sshd)
    assert session.peer_address == (sshd.host, sshd.port)
    session.close()
    assert session.peer_address == (sshd.host, sshd.port)


def test_our_own_address_is_one_that_the_server_sees(sshd, connect, driver):
    session = connect(sshd)
    if driver == "openssh":  # the socket is the ssh program's, which does not tell
        assert session.local_address is None
        return
    host, port = session.local_address
    assert host == "127.0.0.1"
    assert f"127.0.0.1 port {port}" in sshd.log()


def test_a_socket_of_the_callers_has_its_addresses(sshd, connect):
    sock = socket.create_connection((sshd.host, sshd.port))
    ours = sock.getsockname()
    session = connect(sshd, sock=sock)
    assert (session.peer_address, session.local_address) == ((sshd.host, sshd.port), ours)


def test_ipv6_has_four_parts(make_sshd, connect):
    server = make_sshd(addresses=("::1",))
    session = connect(server)
    assert session.peer_address == ("::1", server.port, 0, 0)


def test_none_through_jump_hosts(make_sshd, sshd, connect, tmp_path):
    hop = make_sshd()
    known = tmp_path / "known_hosts"
    known.write_text(hop.known_hosts.read_text() + sshd.known_hosts.read_text())
    jump = Jump(host=hop.host, port=hop.port, username=hop.user, key_filename=hop.client_key)
    session = connect(sshd, jumps=[jump], known_hosts=known)
    assert (session.peer_address, session.local_address) == (None, None)


def test_none_behind_a_proxy_command(sshd, connect):
    socat = requirement.program("socat", "socat")
    way = f"ProxyCommand={socat} - TCP:{sshd.host}:{sshd.port}"
    session = connect(sshd, ssh_options=[way])
    assert (session.peer_address, session.local_address) == (None, None)
