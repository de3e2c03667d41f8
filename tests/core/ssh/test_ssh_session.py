"""`SSHSession`: the documented signature, the driver's choice, and a session end to end."""

from __future__ import annotations

import inspect
import os
import socket
import threading
from contextlib import suppress

import pytest
from scripted_driver import HOST_KEY, open_fds, scripted

import ncwire
from ncwire import SSHSession, connect, default_unknown_host_cb
from ncwire.driver import Algorithms, Feature
from ncwire.errors import (
    ChannelError,
    DriverNotFoundError,
    HelloMissingError,
    InvalidDriverError,
    OptionError,
    SessionCloseError,
    SSHUnknownHostError,
    TransportError,
    UnsupportedOption,
)

pytestmark = pytest.mark.usefixtures("home")

HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id>"
    b"</hello>]]>]]>"
)
MINE = {"password": "right", "allow_agent": False, "look_for_keys": False}


class Peer:
    """Accepts connections, says hello and swallows what comes, without any SSH."""

    def __init__(self, hello: bytes = HELLO) -> None:
        self._hello = hello
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.ended = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.sendall(self._hello)
                    if not self._hello:
                        connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
                self.ended.release()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def peer():
    each = Peer()
    yield each
    each.close()


def test_the_documented_signature():
    signature = inspect.signature(SSHSession.connect)
    documented = {
        "host": inspect.Parameter.empty, "port": 830, "timeout": None,
        "unknown_host_cb": default_unknown_host_cb, "username": None, "password": None,
        "key_filename": None, "allow_agent": True, "hostkey_verify": True, "hostkey_b64": None,
        "look_for_keys": True, "ssh_config": None, "sock_fd": None, "bind_addr": None,
        "sock": None, "keepalive": None, "environment": None,
    }  # fmt: skip
    positional = [
        each for each in signature.parameters.values()
        if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ][1:]  # fmt: skip
    assert [(each.name, each.default) for each in positional] == list(documented.items())


def test_connect_has_every_parameter_of_the_method_with_the_same_default():
    method = inspect.signature(SSHSession.connect).parameters
    function = inspect.signature(connect).parameters
    for name, parameter in method.items():
        if name != "self":
            assert function[name].default == parameter.default
    assert all(
        each.kind is inspect.Parameter.KEYWORD_ONLY
        for name, each in function.items() if name != "host"
    )  # fmt: skip


def test_the_default_callback_accepts_no_host():
    assert default_unknown_host_cb("r1", HOST_KEY.md5) is False
    assert ncwire.default_unknown_host_cb is default_unknown_host_cb


def test_a_session_from_end_to_end(peer):
    before = threading.active_count()
    session = SSHSession(driver=scripted())
    assert (session.transport, session.host, session.port, session.channel_info) == (
        None, None, None, None
    )  # fmt: skip
    session.connect("127.0.0.1", peer.port, hostkey_b64=HOST_KEY.base64, **MINE)
    assert session.connected
    assert session.id == "7"
    assert session.transport.calls[0] == "handshake"
    assert (session.host, session.port) == ("127.0.0.1", peer.port)
    assert session.channel_info.library == "scripted"
    session.close()
    assert session.transport is None
    assert threading.active_count() == before
    assert peer.ended.acquire(timeout=10)


def test_connect_returns_a_connected_session(peer, tmp_path):
    known = tmp_path / "kh"
    known.write_text(f"127.0.0.1 {HOST_KEY.type} {HOST_KEY.base64}\n")
    session = connect("127.0.0.1", driver=scripted(), port=peer.port, known_hosts=known, **MINE)
    assert session.connected
    session.close()


def test_the_usual_known_hosts_count_without_being_loaded(peer, home):
    (home / ".ssh/known_hosts").write_text(f"127.0.0.1 {HOST_KEY.type} {HOST_KEY.base64}\n")
    connect("127.0.0.1", driver=scripted(), port=peer.port, **MINE).close()


def test_loaded_known_hosts_are_added_up(peer, home, tmp_path):
    known = tmp_path / "kh"
    known.write_text(f"127.0.0.1 {HOST_KEY.type} {HOST_KEY.base64}\n")
    session = SSHSession(driver=scripted())
    session.load_known_hosts()
    session.load_known_hosts(str(known))
    session.connect("127.0.0.1", peer.port, **MINE)
    session.close()


def test_loading_the_default_file_means_that_file_alone(peer, home):
    (home / ".ssh/known_hosts2").write_text(f"127.0.0.1 {HOST_KEY.type} {HOST_KEY.base64}\n")
    connect("127.0.0.1", driver=scripted(), port=peer.port, **MINE).close()
    session = SSHSession(driver=scripted())
    session.load_known_hosts()
    with pytest.raises(SSHUnknownHostError):
        session.connect("127.0.0.1", peer.port, **MINE)


def test_a_named_known_hosts_file_must_be_there(tmp_path):
    with pytest.raises(OptionError, match="known_hosts"):
        SSHSession(driver=scripted()).load_known_hosts(tmp_path / "none")


def test_a_bad_parameter_spoils_nothing(peer):
    session = SSHSession(driver=scripted())
    with pytest.raises(OptionError):
        session.connect("127.0.0.1", peer.port, timeout=-1)
    session.connect("127.0.0.1", peer.port, hostkey_verify=False, **MINE)
    session.close()


def test_a_session_connects_once(peer):
    session = SSHSession(driver=scripted())
    session.connect("127.0.0.1", peer.port, hostkey_verify=False, **MINE)
    session.close()
    with pytest.raises(TransportError, match="connects only once"):
        session.connect("127.0.0.1", peer.port, **MINE)


def test_a_failure_leaves_nothing(peer):
    before = open_fds()
    threads = threading.active_count()
    for server, more, kind in (
        ({}, {}, SSHUnknownHostError),
        ({"subsystems": []}, {"hostkey_verify": False}, ChannelError),
    ):
        with pytest.raises(kind):
            SSHSession(driver=scripted(**server)).connect("127.0.0.1", peer.port, **MINE, **more)
        assert peer.ended.acquire(timeout=10)
    assert open_fds() == before
    assert threading.active_count() == threads


def test_a_server_without_a_hello():
    peer = Peer(hello=b"")
    try:
        with pytest.raises(HelloMissingError):
            connect("127.0.0.1", driver=scripted(), port=peer.port, hostkey_verify=False, **MINE)
    finally:
        peer.close()


@pytest.mark.parametrize(
    ("parameter", "value", "feature"),
    [
        ("environment", {"A": "1"}, Feature.ENVIRONMENT),
        ("keepalive", 5, Feature.KEEPALIVE),
        ("auth_handler", lambda *_: [], Feature.KEYBOARD_INTERACTIVE),
        ("key_filename", "k", Feature.PUBLICKEY),
        ("algorithms", Algorithms(kex=("curve25519-sha256",)), Feature.ALGORITHMS),
        ("unknown_host_cb", lambda *_: True, Feature.HOST_KEY),
        ("hostkey_b64", HOST_KEY.base64, Feature.HOST_KEY),
        ("bind_addr", "127.0.0.1", Feature.BIND_ADDRESS),
    ],
)
def test_what_the_driver_cannot_do_is_refused_before_anything_is_sent(parameter, value, feature):
    driver_class = scripted()
    driver_class.features = driver_class.features - {feature}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(UnsupportedOption) as caught:
            SSHSession(driver=driver_class).connect(
                "127.0.0.1", listener.getsockname()[1], **{parameter: value}
            )
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (caught.value.driver, caught.value.option) == ("scripted", parameter)
    assert "driver" in caught.value.remedy


def test_an_fd_is_given_back_when_the_driver_cannot():
    driver_class = scripted()
    driver_class.features = frozenset()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(UnsupportedOption, match="sock"):
            SSHSession(driver=driver_class).connect(None, sock_fd=ours.fileno())
        os.fstat(ours.fileno())


def test_an_fd_is_used_and_owned():
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(HELLO)
        session = connect(
            None, driver=scripted(), sock_fd=ours.detach(), hostkey_verify=False, **MINE
        )
        assert session.connected
        session.close()
        while theirs.recv(65536):
            pass


def test_an_unknown_driver_is_named():
    with pytest.raises(DriverNotFoundError, match="no-such-driver"):
        SSHSession(driver="no-such-driver").connect("r1")


def test_the_environment_names_the_driver(monkeypatch):
    monkeypatch.setenv("NCWIRE_DRIVER", "from-the-environment")
    with pytest.raises(DriverNotFoundError, match="from-the-environment"):
        SSHSession().connect("r1")


def test_a_driver_that_cannot_be_made_is_named(peer):
    driver_class = scripted()
    driver_class.__init__ = lambda self: 1 // 0
    with pytest.raises(InvalidDriverError, match="ZeroDivisionError in its constructor"):
        SSHSession(driver=driver_class).connect("127.0.0.1", peer.port)


@pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
def test_close_from_another_thread_ends_a_connect(step, peer):
    reached = threading.Event()
    released = threading.Event()
    driver_class = scripted(on={step: lambda: (reached.set(), released.wait(10))})
    session = SSHSession(driver=driver_class)

    def close():
        assert reached.wait(10)
        session.close()
        released.set()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(SessionCloseError) as caught:
        session.connect("127.0.0.1", peer.port, hostkey_verify=False, **MINE)
    closer.join(10)
    assert caught.value.closed_by == "us"
    assert peer.ended.acquire(timeout=10)
    assert not session.connected


@pytest.mark.parametrize("as_fd", [False, True])
def test_a_socket_is_still_the_callers_when_the_driver_lacks_an_option(as_fd):
    lacking = Algorithms(ciphers=("chacha20-poly1305@openssh.com",))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        given = {"sock_fd": ours.fileno()} if as_fd else {"sock": ours}
        with pytest.raises(UnsupportedOption):
            connect(None, driver="paramiko", username="u", algorithms=lacking, **given)
        ours.send(b"still open")
        assert theirs.recv(100) == b"still open"
