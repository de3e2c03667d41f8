"""The paramiko driver and servers that sshd cannot be made to be: paramiko's own, ill-behaved."""

from __future__ import annotations

import socket
import threading

import paramiko
import pytest
from driving import Stream, within
from paramiko.common import cMSG_CHANNEL_CLOSE, cMSG_DISCONNECT

from ncwire.driver import AuthResult, ChannelRequest, NoneAttempt
from ncwire.errors import ChannelError, SSHError, StepTimeoutError


class Misbehaving(paramiko.ServerInterface):
    """Lets anybody in, and at the subsystem's request does what a test says."""

    def __init__(self, act) -> None:
        self.act = act

    def get_allowed_auths(self, username):
        return "none"

    def check_auth_none(self, username):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel, name):
        return self.act(channel)


@pytest.fixture(scope="module")
def host_key():
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def connected(paramiko_driver, host_key):
    """Return the driver, logged in at a server that will act so."""
    transports = []

    def connect(act):
        ours, theirs = socket.socketpair()
        transport = paramiko.Transport(theirs)
        transport.set_log_channel("ncwire.test.server")
        transport.add_server_key(host_key)
        transport.start_server(event=threading.Event(), server=Misbehaving(act))
        transports.append((transport, theirs))
        paramiko_driver.handshake(ours, paramiko_driver.algorithms, within())
        outcome = paramiko_driver.authenticate(NoneAttempt("anybody"), within())
        assert outcome.result is AuthResult.SUCCESS
        return paramiko_driver

    yield connect
    for transport, sock in transports:
        transport.close()
        transport.join(20)
        sock.close()
        # A timer of paramiko's own outlives its server.
        transport.packetizer.complete_handshake()


def test_a_server_that_does_not_answer_the_request(connected):
    enough = threading.Event()
    driver = connected(lambda channel: enough.wait(60))

    with pytest.raises(StepTimeoutError):
        driver.open_channel(ChannelRequest("netconf"), {}, within(0.5))
    enough.set()


def test_a_server_that_disconnects_at_the_request_does_not_refuse_it(connected, caplog):
    caplog.set_level("DEBUG", "ncwire.driver.paramiko")

    def disconnect(channel):
        message = paramiko.Message()
        message.add_byte(cMSG_DISCONNECT)
        message.add_int(2)
        message.add_string("out \x1bof \u202eorder %s\nncwire: done")
        message.add_string("")
        channel.get_transport().packetizer.send_message(message)
        raise EOFError

    driver = connected(disconnect)
    with pytest.raises(SSHError, match=r"out \\x1bof \\u202eorder") as raised:
        driver.open_channel(ChannelRequest("netconf"), {}, within())

    assert not isinstance(raised.value, ChannelError)
    assert "out \\x1bof \\u202eorder %s\\x0ancwire: done" in caplog.text


def test_a_server_that_sends_garbage_does_not_refuse(connected):
    def babble(channel):
        channel.get_transport().sock.sendall(bytes(range(256)) * 8)
        raise EOFError

    driver = connected(babble)
    with pytest.raises(SSHError) as raised:
        driver.open_channel(ChannelRequest("netconf"), {}, within())

    assert not isinstance(raised.value, ChannelError)


def test_a_stream_that_is_closed_without_an_end_ends_in_order(connected):
    """And what becomes of the connection afterwards changes nothing of that."""
    opened = []

    def keep(channel):
        opened.append(channel)
        return True

    driver = connected(keep)
    stream = Stream(driver.open_channel(ChannelRequest("netconf"), {}, within()))
    (theirs,) = opened
    theirs.sendall(b"all")
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_CLOSE)
    message.add_int(theirs.remote_chanid)
    theirs.get_transport().packetizer.send_message(message)
    theirs.get_transport().close()
    stream.channel.native.join(20)

    assert stream.read_to_the_end() == b"all"


def test_a_connection_that_vanishes_is_no_end_in_order(connected):
    opened = []

    def keep(channel):
        opened.append(channel)
        return True

    driver = connected(keep)
    stream = Stream(driver.open_channel(ChannelRequest("netconf"), {}, within()))
    opened[0].sendall(b"half")
    opened[0].get_transport().sock.shutdown(socket.SHUT_RDWR)

    assert stream.read() == b"half"
    with pytest.raises(SSHError, match="the server closed the connection"):
        stream.read()
