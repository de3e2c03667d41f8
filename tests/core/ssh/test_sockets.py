"""TCP connections: every address, in time, with nothing left behind."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from scripted_driver import open_fds

from ncwire._ssh.route import sockets
from ncwire.driver import Deadline, Wakeup
from ncwire.errors import ConnectError, OptionError, SessionCloseError, StepTimeoutError


@pytest.fixture
def wakeup():
    each = Wakeup()
    yield each
    each.close()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def deaf(listener):
    """A port that takes no connection: its backlog is full."""
    listener.listen(0)
    held = []
    for _ in range(4):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(listener.getsockname())
        held.append(each)
    yield listener.getsockname()
    for each in held:
        each.close()


def refusing_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def addresses(monkeypatch, *given):
    """Let the resolver return these: the one thing here that a test cannot have for real."""
    found = [
        (
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_STREAM,
            6,
            "",
            (host, port),
        )
        for host, port in given
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def open_tcp(host, port, wakeup, seconds=10.0, **more):
    return sockets.open_tcp(
        host, port, Deadline.after(seconds, "TCP connect to x"), wakeup, **more
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_connected_socket_as_sessions_want_it(host, listener, wakeup):
    port = listener.getsockname()[1]
    with open_tcp(host, port, wakeup) as sock:
        assert sock.getpeername()[:2] == ("127.0.0.1", port)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not sock.get_inheritable()
        assert sock.gettimeout() is None


def test_ipv6(wakeup):
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server, open_tcp("::1", server.getsockname()[1], wakeup) as sock:
        assert sock.family == socket.AF_INET6


def test_ipv6_with_a_scope(wakeup):
    index = socket.if_nametoindex("lo")
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server, open_tcp(f"::1%{index}", server.getsockname()[1], wakeup) as sock:
        assert sock.getpeername()[0] == "::1"


def test_a_link_local_address_goes_out_by_its_scope(wakeup):
    # No host has the address; without its scope the kernel would not even look (ipv6(7)).
    with pytest.raises(ConnectError) as caught:
        open_tcp("fe80::6:3%lo", 830, wakeup)
    assert "[fe80::6:3%lo]:830" in str(caught.value)
    assert "Invalid argument" not in str(caught.value)
    with pytest.raises(ConnectError, match=r"\[fe80::6:3%9999\]:830"):
        open_tcp("fe80::6:3%9999", 830, wakeup)


def test_only_addresses_of_the_family_are_tried(monkeypatch, listener, wakeup):
    port = listener.getsockname()[1]
    addresses(monkeypatch, ("::1", refusing_port()), ("127.0.0.1", port))
    with open_tcp("r1", port, wakeup, family=socket.AF_INET) as sock:
        assert sock.family == socket.AF_INET
    with pytest.raises(ConnectError) as caught:
        open_tcp("r1", port, wakeup, family=socket.AF_INET6)
    assert "127.0.0.1" not in str(caught.value)


def test_a_host_without_an_address_of_the_family(listener, wakeup):
    with pytest.raises(ConnectError, match="it has no IPv6 address"):
        open_tcp("127.0.0.1", listener.getsockname()[1], wakeup, family=socket.AF_INET6)


def test_the_next_address_is_tried(monkeypatch, listener, wakeup):
    port = listener.getsockname()[1]
    addresses(monkeypatch, ("127.0.0.1", refusing_port()), ("127.0.0.1", port))
    with open_tcp("r1", port, wakeup) as sock:
        assert sock.getpeername()[1] == port


def test_an_address_that_swallows_leaves_time_for_the_next(monkeypatch, deaf, wakeup):
    with socket.create_server(("127.0.0.1", 0)) as server:
        addresses(monkeypatch, deaf, server.getsockname())
        with open_tcp("r1", 1, wakeup, seconds=1.0) as sock:
            assert sock.getpeername() == server.getsockname()


def test_each_address_and_its_error_is_told(monkeypatch, deaf, wakeup):
    port = refusing_port()
    addresses(monkeypatch, deaf, ("127.0.0.1", port))
    with pytest.raises(ConnectError) as caught:
        open_tcp("r1", 1, wakeup, seconds=0.4)
    text = str(caught.value)
    assert f"127.0.0.1:{deaf[1]}: no answer within 0.2 s" in text
    assert f"127.0.0.1:{port}: Connection refused" in text


def test_silence_ends_at_the_deadline_and_the_step_is_named(deaf, wakeup):
    start = time.monotonic()
    with pytest.raises(StepTimeoutError, match=r"TCP connect to x: not done within 0\.2 s"):
        open_tcp(*deaf, wakeup, seconds=0.2)
    assert time.monotonic() - start >= 0.2


def test_a_name_that_does_not_resolve(wakeup):
    with pytest.raises(ConnectError, match=r"name resolution of no-such-host\.invalid"):
        open_tcp("no-such-host.invalid", 1, wakeup)
    with pytest.raises(ConnectError, match="name resolution"):
        open_tcp("a" * 70 + ".example", 1, wakeup)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch, wakeup):
    free = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: free.wait(30) and [])
    try:
        with pytest.raises(StepTimeoutError):
            open_tcp("r1", 1, wakeup, seconds=0.1)
    finally:
        free.set()


def test_a_wakeup_ends_resolving(monkeypatch, wakeup):
    called, free = threading.Event(), threading.Event()

    def resolve(*_, **__):
        called.set()
        return free.wait(30) and []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    waker = threading.Thread(target=lambda: called.wait(30) and wakeup.ring())
    waker.start()
    try:
        with pytest.raises(SessionCloseError, match="closed by us"):
            open_tcp("r1", 1, wakeup, seconds=30)
    finally:
        free.set()
        waker.join()


def test_a_wakeup_ends_connecting(deaf, wakeup):
    waker = threading.Timer(0.05, wakeup.ring)
    waker.start()
    with pytest.raises(SessionCloseError, match="closed by us"):
        open_tcp(*deaf, wakeup, seconds=60)
    waker.join()
    wakeup.close()
    wakeup.ring()


def test_the_source_address(listener, wakeup):
    port = listener.getsockname()[1]
    with open_tcp("127.0.0.1", port, wakeup, bind_addr="127.0.0.7") as sock:
        assert sock.getsockname()[0] == "127.0.0.7"
    with open_tcp("127.0.0.1", port, wakeup, bind_addr="localhost") as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_a_source_address_that_is_not_ours(listener, wakeup):
    with pytest.raises(ConnectError, match=r"bind_addr 192\.0\.2\.1"):
        open_tcp("127.0.0.1", listener.getsockname()[1], wakeup, bind_addr="192.0.2.1")


def test_a_source_address_of_another_family(listener, wakeup):
    with pytest.raises(ConnectError, match="no address of bind_addr's family"):
        open_tcp("127.0.0.1", listener.getsockname()[1], wakeup, bind_addr="::1")


def test_no_fd_is_left(monkeypatch, deaf, wakeup):
    before = open_fds()
    addresses(monkeypatch, deaf, ("127.0.0.1", refusing_port()))
    for seconds in (0.1, 0.0001):
        with pytest.raises((ConnectError, StepTimeoutError)):
            open_tcp("r1", 1, wakeup, seconds=seconds)
    for thread in threading.enumerate():
        if thread.name.startswith("ncwire-resolve"):
            thread.join(10)
    assert open_fds() == before


def test_an_fd_becomes_a_socket_that_owns_it():
    ours, theirs = socket.socketpair()
    with theirs:
        fd = ours.detach()
        with sockets.from_fd(fd) as sock:
            assert sock.fileno() == fd
            sockets.adopt(sock)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_an_fd_that_is_no_connected_stream_socket_stays_the_callers(tmp_path):
    with (tmp_path / "f").open("w") as file, socket.socket() as unconnected:
        for fd in (file.fileno(), unconnected.fileno()):
            with pytest.raises(OptionError, match="sock_fd"):
                sockets.from_fd(fd)
            os.fstat(fd)
    for fd in (-1, 1 << 20, 1 << 70):
        with pytest.raises(OptionError, match="sock_fd"):
            sockets.from_fd(fd)
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    with ours, theirs, pytest.raises(OptionError, match="no stream socket"):
        sockets.from_fd(ours.fileno())


def test_a_socket_that_is_taken_over_blocks_and_does_not_leak_into_children():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(3)
        ours.set_inheritable(True)
        sockets.adopt(ours)
        assert ours.gettimeout() is None
        assert not ours.get_inheritable()


def socketpair(tmp_path):
    return socket.socketpair()


def unix(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        ours = socket.socket(socket.AF_UNIX)
        ours.connect(str(tmp_path / "s"))
        return ours, server.accept()[0]


def tcp(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        return ours, server.accept()[0]


@pytest.mark.parametrize("make", [socketpair, unix, tcp])
def test_an_fd_of_any_family_is_taken_over(make, tmp_path):
    ours, theirs = make(tmp_path)
    with theirs, sockets.from_fd(ours.detach()) as sock:
        sockets.adopt(sock)
        sock.sendall(b"over it")
        assert theirs.recv(10) == b"over it"
        if sock.family == socket.AF_INET:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
