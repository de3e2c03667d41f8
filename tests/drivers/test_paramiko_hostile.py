"""The paramiko driver, and servers that state more than they send (docs: vulnerabilities)."""

from __future__ import annotations

import socket
import threading

import paramiko
import pytest
from driving import within
from paramiko.common import cMSG_USERAUTH_INFO_REQUEST

from ncwire.driver import InteractiveAttempt, NoneAttempt
from ncwire.errors import SSHError, StepTimeoutError
from servers.hostile_ssh import MOST, ext_info, sending
from servers.plain_ssh import IDENTIFICATION


class Prompting(paramiko.ServerInterface):
    """Asks for as many answers as can be stated, and has no prompt."""

    def get_allowed_auths(self, username):
        return "keyboard-interactive"

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery("", "")


@pytest.fixture
def serve():
    """Return a function that serves one connection, and returns the client's socket."""
    started = []

    def serve(kind):
        ours, theirs = socket.socketpair()
        transport = kind(theirs)
        transport.set_log_channel("ncwire.test.server")
        transport.add_server_key(paramiko.ECDSAKey.generate())
        transport.start_server(event=threading.Event(), server=Prompting())
        started.append((transport, theirs))
        return ours

    yield serve
    for transport, sock in started:
        transport.close()
        transport.join(20)
        sock.close()
        transport.packetizer.complete_handshake()


@pytest.mark.parametrize("count", [MOST, 6])
def test_an_ext_info_that_states_more_than_it_has_ends_the_connection(
    paramiko_driver, serve, count
):
    sock = serve(sending(ext_info(count, ("server-sig-algs", "rsa-sha2-512"), ("x", "y"))))

    def connect():
        paramiko_driver.handshake(sock, paramiko_driver.algorithms, within())
        paramiko_driver.authenticate(NoneAttempt("u"), within())

    # Which of the two the packet meets is a matter of chance.
    with pytest.raises(SSHError, match=f"states {count} extensions"):
        connect()


def test_an_ext_info_that_has_what_it_states_is_taken(paramiko_driver, serve):
    sock = serve(sending(ext_info(2, ("server-sig-algs", "rsa-sha2-512"), ("x", ""))))
    paramiko_driver.handshake(sock, paramiko_driver.algorithms, within())
    outcome = paramiko_driver.authenticate(NoneAttempt("u"), within())
    assert outcome.methods == {"keyboard-interactive"}


class AsksForMost(paramiko.Transport):
    """Replaces the request for answers by one that states as many prompts as can be."""

    def _send_message(self, data):
        if data.asbytes()[:1] == cMSG_USERAUTH_INFO_REQUEST:
            data = paramiko.Message()
            data.add_byte(cMSG_USERAUTH_INFO_REQUEST)
            for text in ("", "", ""):
                data.add_string(text)
            data.add_int(MOST)
        super()._send_message(data)


def test_a_request_that_states_more_prompts_than_it_has_ends_the_connection(
    paramiko_driver, serve
):
    paramiko_driver.handshake(serve(AsksForMost), paramiko_driver.algorithms, within())
    with pytest.raises(SSHError, match="states 4294967295"):
        paramiko_driver.authenticate(
            InteractiveAttempt("u", lambda *_: pytest.fail("asked")), within()
        )


@pytest.mark.parametrize("length", [0xFFFF_FFFC, (256 << 10) + 12])
def test_a_packet_of_a_length_that_none_needs_is_an_error_at_once(paramiko_driver, length):
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(IDENTIFICATION + length.to_bytes(4, "big") + bytes(60))
        with pytest.raises(SSHError, match="longer than any") as raised:
            paramiko_driver.handshake(ours, paramiko_driver.algorithms, within(20))
        assert not isinstance(raised.value, StepTimeoutError)
