"""Through jump hosts, each a real sshd: verified, authenticated, relayed, and freed."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time

import pytest

from ncwire import Session, Timeouts, registry
from ncwire.capabilities import default_client_capabilities
from ncwire.driver import ConnectOptions, Deadline
from ncwire.errors import (
    AuthenticationError,
    ChannelError,
    ConnectError,
    KeyFileError,
    SessionCloseError,
    SSHHostKeyChangedError,
    SSHUnknownHostError,
    StepTimeoutError,
)
from ncwire.testing.conformance.resources import Resources, left_since

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024


@pytest.fixture
def hosts(make_sshd):
    """Two jump hosts and the device behind them."""
    return [make_sshd(), make_sshd(), make_sshd()]


def options(server, **more) -> ConnectOptions:
    settings = {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "key_filename": (str(server.client_key),),
        "allow_agent": False,
        "look_for_keys": False,
        "known_hosts": (str(server.known_hosts),),
    }
    return ConnectOptions(**settings | more)


def through(hosts, changes=None, **more) -> ConnectOptions:
    """Options for the last host by way of the others; `changes` are a hop's, by its index."""
    *hops, device = hosts
    jumps = [options(hop, **(changes or {}).get(i, {})) for i, hop in enumerate(hops)]
    return options(device, jumps=tuple(jumps), **more)


def begin(driver, settings, seconds=60.0):
    deadline = Deadline.after(seconds, "connect")
    return registry.choose(driver)().connecting(settings, deadline)


@pytest.fixture
def connect(driver):
    """Open a session; it is closed afterwards."""
    sessions = []

    def connect(settings) -> Session:
        session = Session(default_client_capabilities())
        sessions.append(session)
        session.open(begin(driver, settings).run(), keepalive=settings.keepalive)
        return session

    yield connect
    for session in sessions:
        session.close()


@pytest.fixture
def refused(driver):
    """Connect, which must fail with this error at this jump host, and leave nothing."""

    def refused(settings, kind, hop, match=""):
        before = Resources.now()
        with pytest.raises(kind, match=match) as caught:
            begin(driver, settings).run()
        assert nothing_left(before)
        assert caught.value.jump_host == f"{hop.host}:{hop.port}"
        assert str(caught.value).startswith(f"jump host {hop.host}:{hop.port}: ")
        return caught.value

    return refused


def nothing_left(before: Resources) -> bool:
    """Fail unless all is gone that was not there before: now, but for the kernel's own delay."""
    assert not [each for each in threading.enumerate() if each.name.startswith("ncwire-relay")]
    left = left_since(before, 0.3)
    assert not left, left
    return True


def eventually(happens) -> bool:
    """Wait for a line in a log, of which no event tells."""
    until = time.monotonic() + 10
    while not happens() and time.monotonic() < until:
        time.sleep(0.02)
    return happens()


def known_hosts(path, server, key) -> str:
    kind, blob, *_ = key.with_name(key.name + ".pub").read_text().split()
    path.write_text(f"[{server.host}]:{server.port} {kind} {blob}\n")
    return str(path)


def test_two_jumps(connect, hosts):
    before = Resources.now()
    session = connect(through(hosts))
    assert "<x>é</x>" in session.rpc("<echo><x>é</x></echo>").raw
    session.close()
    assert nothing_left(before)
    # Each has been left in good order, which the next one's tunnel had to last for.
    for host in hosts:
        assert eventually(lambda host=host: "Received disconnect" in host.log()), host.log()


def test_20_megabytes_arrive_whole_both_ways(connect, hosts):
    session = connect(through(hosts))
    reply = session.rpc(f'<get-bytes n="{20 * MEGABYTE}"/>', timeout=100)
    start = reply.raw.index("<data>") + len("<data>")
    pattern = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
    assert reply.raw[start : start + 20 * MEGABYTE] == (pattern * (20 * MEGABYTE // 64 + 1))[
        : 20 * MEGABYTE
    ]
    document = "<digest>" + "x" * (5 * MEGABYTE) + "</digest>"
    assert session.rpc(document, timeout=100).message_id
