"""A call that is interrupted at any point in the paramiko driver, or in paramiko itself.

The session is open afterwards or has ended with that as its cause; nothing waits for ever.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from pathlib import Path

import paramiko
import pytest
from driving import within

from interrupting import KINDS, Interrupter, folder_of, handler, raising
from ncwire import Session
from ncwire.driver import AuthResult, ChannelRequest, NoneAttempt
from ncwire.errors import NcwireError
from ncwire_paramiko import ParamikoDriver

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CLIENT = ["urn:ietf:params:netconf:base:1.0"]
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>{CLIENT[0]}</capability></capabilities>'
    "<session-id>1</session-id></hello>]]>]]>"
)
FOLDERS = [folder_of("ncwire_paramiko"), folder_of("paramiko")]
NEVER = 10**9
EVERY = 7
"""Not each point, for each takes a connection; a prime, so that loops are met at all places."""


class Server(paramiko.ServerInterface):
    """Lets anyone in, and answers each rpc with what fills several packets and its window."""

    def get_allowed_auths(self, username):
        return "none"

    def check_auth_none(self, username):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel, name):
        threading.Thread(target=self._answer, args=(channel,)).start()
        return True

    def _answer(self, channel):
        came = b""
        with contextlib.suppress(OSError, EOFError):
            channel.sendall(HELLO.encode())
            while data := channel.recv(65536):
                came += data
                *requests, came = came.split(b"]]>]]>")
                for request in requests:
                    for message_id in re.findall(rb'message-id="([^"]*)"', request):
                        channel.sendall(
                            b'<rpc-reply xmlns="%s" message-id="%s"><data>%s</data></rpc-reply>'
                            b"]]>]]>" % (BASE.encode(), message_id, b"x" * 100_000)
                        )
            # As a server does; without it our close waits for that, up to its limit.
            channel.close()


@pytest.fixture(scope="module")
def host_key():
    return paramiko.RSAKey.generate(2048)


@contextlib.contextmanager
def connected(host_key):
    """Give a session over a connection of its own, and the connection."""
    ours, theirs = socket.socketpair()
    server = paramiko.Transport(theirs)
    server.set_log_channel("ncwire.test.server")
    server.add_server_key(host_key)
    server.start_server(event=threading.Event(), server=Server())
    driver = ParamikoDriver()
    driver.handshake(ours, driver.algorithms, within())
    assert driver.authenticate(NoneAttempt("anyone"), within()).result is AuthResult.SUCCESS
    channel = driver.open_channel(ChannelRequest("netconf"), {}, within())
    session = Session(CLIENT)
    session.open(channel)
    try:
        yield session, channel.native
    finally:
        server.close()
        server.join(20)
        theirs.close()
        server.packetizer.complete_handshake()  # a timer of paramiko's own outlives its server


def rpc(session):
    session.rpc("<get/>", timeout=20)


def large_rpc(session):
    session.rpc("<get>" + "x" * 100_000 + "</get>", timeout=20)


def send(session):
    session.send('<rpc message-id="s"><get/></rpc>')


def one(host_key, call, at, function=None):
    """Interrupt a call at a point, if it has so many; return how many it had until then."""
    with connected(host_key) as (session, connection):
        session.rpc("<get/>", timeout=20)  # what the first call makes is made
        interrupter = Interrupter(at, FOLDERS, waits_too=True, function=function)
        raised = None
        try:
            with interrupter:
                call(session)
        except KINDS as error:
            if not interrupter.where:
                raise
            raised = type(error)
        assert raised is (handler.kind if interrupter.where else None), interrupter.where
        began = time.monotonic()
        caller = threading.Thread(target=call_again, args=(session, interrupter.where))
        caller.start()
        caller.join(30)
        assert not caller.is_alive(), interrupter.where
        session.close()
        session.join(20)
        assert not session.is_alive(), interrupter.where
        # Its end was waited for, for a second at most.
        assert not connection.is_alive(), interrupter.where
        assert time.monotonic() - began < 15, f"{interrupter.where}: something waited"
        return interrupter.seen


def call_again(session, where):
    try:
        session.rpc("<get/>", timeout=20)
    except NcwireError:
        session.join(20)
        ended = f"{where}: {session.cause}"
        assert handler.kind.__name__ in ended, ended
        assert not session.connected, ended


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    with raising(request.param):
        yield request.param


@pytest.mark.timeout(600)
@pytest.mark.parametrize("call", [rpc, large_rpc, send], ids=lambda call: call.__name__)
def test_a_call_interrupted_at_any_point(host_key, kind, call):
    one(host_key, call, NEVER)  # warm: what is made once is made
    before = fds()
    # It depends on which thread is faster how much of the work is the caller's.
    points = max(one(host_key, call, NEVER) for _ in range(5))
    assert points > 50
    reached = sum(one(host_key, call, at) == at for at in range(1, points + 1, EVERY))
    assert reached > 10
    assert fds() <= before, "fds were leaked"


@pytest.mark.parametrize(
    "function",
    [
        "BufferedPipe.read",
        "Channel._check_add_window",
        "Channel._send",
        "Connection._send_user_message",
        "Packetizer.send_message",
        "SocketAdapter.send",
    ],
)
def test_each_point_of_what_takes_a_lock(host_key, function):
    with raising(KeyboardInterrupt):
        points = max(one(host_key, large_rpc, NEVER, function) for _ in range(3))
        assert points
        for at in range(1, min(points, 15) + 1):
            one(host_key, large_rpc, at, function)
