"""The way to a server over TLS: addresses of one family, and a command in place of TCP."""

from __future__ import annotations

import shlex
import sys

import pytest

import ncwire
from ncwire.errors import ConnectError, OptionError, TLSHandshakeError

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def server(certificates):
    with certificates.serve() as server:
        yield server


def connect(certificates, port, **parameters):
    session = ncwire.TLSSession()
    try:
        session.connect("127.0.0.1", port, **certificates.credentials(**parameters))
    finally:
        session.close()
    return session


def test_addresses_of_another_family_are_not_tried(certificates, server):
    assert connect(certificates, server.port, address_family="inet").channel_info
    with pytest.raises(ConnectError):
        connect(certificates, server.port, address_family="inet6")
    with pytest.raises(OptionError, match="any, inet, inet6"):
        connect(certificates, server.port, address_family="ipv6")


CARRY = """
import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    while data := sock.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back).start()
while data := os.read(0, 65536):
    sock.sendall(data)
os._exit(0)
"""


def test_a_command_leads_to_the_host(certificates, server, tmp_path):
    (tmp_path / "carry.py").write_text(CARRY)
    command = f"{shlex.quote(sys.executable)} -IS {shlex.quote(str(tmp_path / 'carry.py'))} %h %p"
    with ncwire.TLSSession() as session:
        session.connect(
            "127.0.0.1", server.port, proxy_command=command, **certificates.credentials()
        )
        assert "data" in session.rpc("<get/>").raw


def test_a_command_that_fails_is_told(certificates, server):
    with pytest.raises(TLSHandshakeError, match=r"\(sh\) ended with status 3: gone"):
        connect(certificates, server.port, proxy_command="sh -c 'echo gone >&2; exit 3'")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"proxy_command": "nc %h %x"}, "%x stands for nothing here"),
        ({"proxy_command": "nc %h %"}, "% stands for nothing here"),
        ({"proxy_command": "nc %h", "bind_addr": "127.0.0.1"}, "together with bind_addr"),
        ({"proxy_command": "nc %h", "address_family": "inet"}, "together with address_family"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(certificates, given, told):
    with pytest.raises(OptionError, match=told):
        connect(certificates, 1, **given)


def test_no_url_says_which_command_to_run(certificates, server):
    url = f"netconf+tls://127.0.0.1:{server.port}?proxy_command=true"
    with pytest.raises(OptionError):
        ncwire.connect(url, driver_options=certificates.credentials())
