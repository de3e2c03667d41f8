"""The paramiko driver's channel: opening it, and the byte stream that it is."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import select
import socket
import threading
import time

import paramiko
import pytest
from driving import PATIENCE, Stream, execute, log_in, run, tcp, within

from ncwire.driver import ChannelRequest, Wait
from ncwire.errors import ChannelError, SSHError, StepTimeoutError
from waiting import eventually

MEGABYTE = 1 << 20


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


# --- opening --------------------------------------------------------------------------------


def test_the_environment_reaches_the_subsystem(paramiko_driver, make_sshd):
    log_in(
        paramiko_driver,
        make_sshd(config="AcceptEnv NCWIRE_*", subsystems={"netconf": "/usr/bin/env"}),
    )
    environment = {"NCWIRE_ONE": "1", "NCWIRE_TWO": "zwei ü", "REFUSED": "3"}

    channel = paramiko_driver.open_channel(ChannelRequest("netconf"), environment, within())

    said = Stream(channel).read_to_the_end().decode().splitlines()
    assert {"NCWIRE_ONE=1", "NCWIRE_TWO=zwei ü"} <= set(said)
    assert "REFUSED=3" not in said


def test_a_subsystem_that_is_refused_and_another_that_is_not(paramiko_driver, sshd):
    log_in(paramiko_driver, sshd)

    with pytest.raises(ChannelError, match="subsystem xmlagent: the server refused it") as raised:
        paramiko_driver.open_channel(ChannelRequest("xmlagent"), {}, within())
    assert raised.value.__cause__ is not None
    channel = paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within())

    assert Stream(channel).read().startswith(b"<?xml")


def test_a_channel_that_is_refused(paramiko_driver, make_sshd):
    log_in(paramiko_driver, make_sshd(config="MaxSessions 0"))

    with pytest.raises(ChannelError, match="SSH channel: the server refused it"):
        paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within())


def test_a_server_that_dies_is_no_refusal(paramiko_driver, make_sshd):
    server = make_sshd()
    log_in(paramiko_driver, server)
    server.kill()

    with pytest.raises(SSHError) as raised:
        paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within())

    assert not isinstance(raised.value, ChannelError)


def test_the_deadline_holds(paramiko_driver, make_sshd):
    server = make_sshd()
    log_in(paramiko_driver, server)
    server.freeze()
    began = time.monotonic()

    with pytest.raises(StepTimeoutError) as raised:
        paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within(0.5, "subsystem"))

    assert time.monotonic() - began < 5
    assert raised.value.step == "subsystem"


def test_the_librarys_own_object_is_at_hand(paramiko_driver, sshd):
    channel = execute(paramiko_driver, sshd, "cat").channel

    assert isinstance(channel.native, paramiko.Transport)


# --- reading --------------------------------------------------------------------------------


def test_nothing_is_none_and_the_end_is_empty(paramiko_driver, sshd):
    stream = execute(paramiko_driver, sshd, "read line; echo said $line")

    assert stream.channel.read(100) is None
    assert stream.channel.wants() == Wait()
    stream.write(b"so\n")
    assert stream.read_to_the_end() == b"said so\n"
    assert stream.channel.read(100) == b""


def test_no_more_is_read_than_asked_for(paramiko_driver, sshd):
    stream = execute(paramiko_driver, sshd, "echo 12345")

    assert stream.read(2) == b"12"
    assert stream.read_to_the_end() == b"345\n"


def test_the_fd_stays_the_same_and_tells_of_data_and_of_the_end(paramiko_driver, sshd):
    stream = execute(paramiko_driver, sshd, "read line; echo $line")
    fd = stream.channel.fileno()
    poll = select.poll()
    poll.register(fd, select.POLLIN)

    assert not poll.poll(0)
    stream.write(b"so\n")
    assert poll.poll(PATIENCE * 1000)
    assert stream.read_exactly(3) == b"so\n"
    assert poll.poll(PATIENCE * 1000)
    assert stream.read() == b""
    assert stream.channel.fileno() == fd


def test_a_ring_that_comes_late_does_not_leave_the_fd_readable(paramiko_driver, sshd, monkeypatch):
    stream = execute(paramiko_driver, sshd, "read line; echo $line; read line")
    poll = select.poll()
    poll.register(stream.channel.fileno(), select.POLLIN)
    write, reader = os.write, threading.current_thread()
    ringing, go_on = threading.Event(), threading.Event()

    def late(fd, data):
        if threading.current_thread() is not reader and len(data) == 8:  # a Wakeup's
            ringing.set()
            go_on.wait(PATIENCE)
        return write(fd, data)

    monkeypatch.setattr(os, "write", late)
    stream.write(b"so\n")
    assert ringing.wait(PATIENCE)
    assert stream.channel.read(100) == b"so\n"
    assert stream.channel.read(100) is None
    go_on.set()
    assert poll.poll(PATIENCE * 1000)

    for _ in range(3):
        assert stream.channel.read(100) is None
    assert not poll.poll(0)


def test_stderr_neither_stops_the_stream_nor_gets_into_it(paramiko_driver, sshd):
    stream = execute(
        paramiko_driver,
        sshd,
        "for i in 1 2 3; do head -c 5000000 /dev/zero >&2; head -c 3000000 /dev/zero; done",
    )

    assert stream.read_to_the_end() == bytes(9_000_000)


def test_a_server_that_is_killed_is_an_error_after_the_data(paramiko_driver, make_sshd):
    server = make_sshd()
    stream = execute(paramiko_driver, server, "echo before; sleep 600")
    poll = select.poll()
    poll.register(stream.channel.fileno(), select.POLLIN)
    assert poll.poll(PATIENCE * 1000)
    server.kill()
    stream.channel.native.join(PATIENCE)

    assert stream.read_exactly(7) == b"before\n"
    with pytest.raises(SSHError, match="the server closed the connection") as raised:
        stream.read()

    assert isinstance(raised.value.__cause__, EOFError)


def test_a_connection_that_is_reset_is_an_error(paramiko_driver, make_sshd):
    server = make_sshd()
    listener = socket.create_server(("127.0.0.1", 0))
    onward = socket.create_connection((server.host, server.port))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    carriers = carry(theirs, onward)
    log_in(paramiko_driver, server, sock=ours)
    stream = Stream(paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within()))
    assert stream.read()

    # With no time to linger, closing resets; the carrier's `recv` must let go of it first.
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    onward.shutdown(socket.SHUT_RDWR)
    carriers.join()
    theirs.close()
    onward.close()
    listener.close()

    with pytest.raises(SSHError, match=r"SSH connection: ") as raised:
        stream.read_to_the_end()
    assert raised.value.__cause__ is not None


def test_writing_after_the_end_takes_nothing_and_leaves_what_came(paramiko_driver, sshd):
    stream = execute(paramiko_driver, sshd, "echo last words")
    eventually(lambda: not stream.channel.write(memoryview(b"x")))

    assert stream.channel.write(memoryview(b"x")) == 0
    assert stream.read_to_the_end() == b"last words\n"


# --- writing --------------------------------------------------------------------------------


def test_a_peer_that_does_not_read_stops_the_writing_and_wakes_it_again(
    paramiko_driver, make_sshd
):
    server = make_sshd()
    gate = server.folder / "gate"
    os.mkfifo(gate)
    data = noise(20 * MEGABYTE)
    stream = execute(paramiko_driver, server, f"read go < {gate}; head -c {len(data)} | sha256sum")

    written = stream.fill(data)
    # It may be woken for what is still under way; but in the end all windows are full.
    while written < len(data) and stream.wakes.acquire(timeout=1):
        written += stream.fill(data[written:])
    assert 0 < written < len(data)

    gate.write_text("go\n")
    stream.write(data[written:])
    assert stream.read().split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_a_server_that_takes_nothing_from_tcp_blocks_no_call(paramiko_driver, make_sshd):
    server = make_sshd()
    data = noise(8 * MEGABYTE)
    sock = tcp(server)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    log_in(paramiko_driver, server, sock=sock)
    stream = run(paramiko_driver, f"head -c {len(data)} | sha256sum")
    server.freeze()

    written = stream.fill(data)
    # TCP is full before the SSH window is, which OpenSSH has at 2 MB.
    assert 0 < written < 2 * MEGABYTE
    assert stream.channel.read(100) is None
    stream.channel.keepalive()

    server.thaw()
    stream.write(data[written:])
    assert stream.read().split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_reading_and_writing_go_on_while_keys_are_exchanged(paramiko_driver, make_sshd):
    server = make_sshd()
    size = 8 * MEGABYTE
    progress = server.folder / "progress"
    progress.touch()
    stream = execute(
        paramiko_driver,
        server,
        f"for i in $(seq 128); do head -c 65536 /dev/zero; echo >> {progress}; done; exec cat",
    )
    transport = stream.channel.native
    eventually(lambda: progress.stat().st_size >= 30)
    server.freeze()
    exchange = threading.Thread(target=transport.renegotiate_keys)
    exchange.start()
    eventually(lambda: not transport.clear_to_send.is_set())

    # What is read here calls for window adjustments, which have to wait for the new keys.
    received = 0
    while (part := stream.channel.read(65536)) is not None:
        received += len(part)
    # Paramiko adjusts the window when a tenth of its 2 MB has been read.
    assert MEGABYTE // 4 < received < size
    assert stream.channel.write(memoryview(b"x")) == 0
    stream.channel.keepalive()

    server.thaw()
    stream.read_exactly(size - received)
    exchange.join(PATIENCE)
    stream.write(b"x")
    assert stream.read_exactly(1) == b"x"


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes128-ctr"])
def test_the_servers_rekeying_costs_no_byte(paramiko_driver, make_sshd, cipher):
    server = make_sshd(config="RekeyLimit 1M")
    offered = dataclasses.replace(paramiko_driver.algorithms, ciphers=(cipher,))
    log_in(paramiko_driver, server, offered)
    stream = Stream(paramiko_driver.open_channel(ChannelRequest("cat", "exec"), {}, within()))
    data = noise(20 * MEGABYTE)

    assert stream.exchange(data, len(data)) == data


# --- keepalive ------------------------------------------------------------------------------


def test_a_keepalive_is_answered_and_heard(paramiko_driver, sshd):
    stream = execute(paramiko_driver, sshd, "cat")
    before = stream.channel.heard()
    assert before <= time.monotonic()

    stream.channel.keepalive()

    eventually(lambda: stream.channel.heard() > before)
    stream.write(b"x")
    assert stream.read_exactly(1) == b"x"


def test_a_frozen_server_is_not_heard(paramiko_driver, make_sshd):
    server = make_sshd()
    stream = execute(paramiko_driver, server, "cat")
    server.freeze()
    before = stream.channel.heard()

    for _ in range(3):
        stream.channel.keepalive()

    assert stream.channel.heard() == before


def carry(one: socket.socket, other: socket.socket) -> threading.Thread:
    """Carry bytes both ways, until one of the two sockets has no more."""

    def carrying():
        while True:
            for source in select.select([one, other], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                (other if source is one else one).sendall(data)

    thread = threading.Thread(target=carrying)
    thread.start()
    return thread
