"""Sessions through jump hosts, each a real sshd: relayed, kept alive, ended and freed."""

from __future__ import annotations

import sys
import time

import pytest
from jumping import known_hosts, through

import ncwire
from attempts import begin, nothing_left, options_for
from ncwire import Session, Timeouts
from ncwire._protocol.capabilities import default_client_capabilities
from ncwire.errors import (
    SessionCloseError,
    SSHUnknownHostError,
)
from ncwire.testing.conformance.resources import Resources
from waiting import eventually

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024
SLOW_READER = """
import os, sys, time
hello = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b'urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>1</session-id>'
    b'</hello>]]>]]>'
)
os.write(1, hello)
total = 0
while data := os.read(0, 20_000):
    total += len(data)
    time.sleep(0.01)
open(sys.argv[1], "w").write(str(total))
"""


@pytest.fixture
def connect(driver):
    """Open a session; it is closed afterwards."""
    sessions = []

    def connect(settings) -> Session:
        session = Session(default_client_capabilities())
        sessions.append(session)
        session.open(
            begin(driver, settings).run(), keepalive=settings.keepalive, timeouts=settings.timeouts
        )
        return session

    yield connect
    for session in sessions:
        session.close()


def test_two_jumps(connect, hosts):
    before = Resources.now()
    session = connect(through(hosts))
    assert "<x>é</x>" in session.rpc("<echo><x>é</x></echo>").raw
    session.close()
    assert nothing_left(before)
    # Each has been left in good order, which the next one's tunnel had to last for.
    for host in hosts:
        eventually(lambda host=host: "Received disconnect" in host.log(), host.log)


def test_20_megabytes_arrive_whole_both_ways(connect, hosts):
    session = connect(through(hosts))
    reply = session.rpc(f'<get-bytes n="{20 * MEGABYTE}"/>', timeout=100)
    start = reply.raw.index("<data>") + len("<data>")
    pattern = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
    assert (
        reply.raw[start : start + 20 * MEGABYTE]
        == (pattern * (20 * MEGABYTE // 64 + 1))[: 20 * MEGABYTE]
    )
    document = "<digest>" + "x" * (5 * MEGABYTE) + "</digest>"
    assert session.rpc(document, timeout=100).message_id


def test_the_callback_of_a_hop_is_asked_about_that_hop(connect, hosts):
    asked = []
    change = {
        "known_hosts": (),
        "unknown_host_cb": lambda host, fingerprint: asked.append((host, fingerprint)) or True,
    }
    assert connect(through(hosts, {1: change})).connected
    assert [host for host, _ in asked] == [hosts[1].host]


# --- the life of a session -----------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
def test_a_hop_that_dies_ends_the_session_and_is_named(connect, hosts, at):
    before = Resources.now()
    session = connect(through(hosts))
    hosts[at].kill()
    with pytest.raises(SessionCloseError, match=r"jump host 127\.0\.0\.1") as caught:
        session.rpc("<echo/>", timeout=30)
    assert f"{hosts[at].host}:{hosts[at].port}" in str(caught.value)
    session.join(10)
    assert nothing_left(before)


def test_a_host_that_dies_behind_the_hops(connect, hosts):
    before = Resources.now()
    session = connect(through(hosts))
    hosts[2].kill()
    with pytest.raises(SessionCloseError):
        session.rpc("<echo/>", timeout=30)
    session.join(10)
    assert nothing_left(before)


@pytest.mark.parametrize("at", [0, 1])
def test_a_hops_keepalive_finds_that_it_has_stopped(connect, hosts, at):
    change = {"keepalive": 0.1, "keepalive_count": 2}
    session = connect(through(hosts, {at: change}))
    hosts[at].freeze()
    try:
        name = f"jump host {hosts[at].host}:{hosts[at].port}: no answer to 2 keepalives"
        with pytest.raises(SessionCloseError, match=name):
            session.rpc("<echo/>", timeout=30)
    finally:
        hosts[at].thaw()


def test_keepalives_leave_a_living_route_alone(connect, hosts):
    change = {"keepalive": 0.05}
    session = connect(through(hosts, {0: change, 1: change}, keepalive=0.05))
    with pytest.raises(TimeoutError):
        session.rpc("<silent/>", timeout=0.5)
    assert session.rpc("<echo/>").message_id


def test_a_hop_that_stops_is_found_by_the_sessions_keepalive(connect, hosts):
    before = Resources.now()
    session = connect(through(hosts, keepalive=0.1))
    hosts[0].freeze()
    try:
        with pytest.raises(SessionCloseError, match="no answer to 3 keepalives"):
            session.rpc("<echo/>", timeout=30)
        session.join(10)
        assert nothing_left(before)
    finally:
        hosts[0].thaw()


def test_close_is_bounded_though_a_hop_takes_nothing(connect, hosts):
    before = Resources.now()
    session = connect(through(hosts, timeouts=Timeouts(close=0.5)))
    hosts[1].freeze()
    try:
        session.send("<digest>" + "x" * (20 * MEGABYTE) + "</digest>")
        began = time.monotonic()
        session.close()
        assert time.monotonic() - began < 10
        assert nothing_left(before)
    finally:
        hosts[1].thaw()


def test_close_lets_what_was_sent_reach_a_slow_reader(connect, make_sshd, tmp_path):
    script, count = tmp_path / "slow.py", tmp_path / "count"
    script.write_text(SLOW_READER)
    device = make_sshd(subsystems={"netconf": f"{sys.executable} {script} {count}"})
    session = connect(through([make_sshd(), make_sshd(), device], timeouts=Timeouts(close=60)))
    document = "<sent>" + "x" * MEGABYTE + "</sent>"
    session.send(document)
    session.close()
    assert int(count.read_text()) > len(document)


def test_a_first_hop_with_a_hop_of_its_own(connect, hosts):
    nearest, nearer, device = hosts
    jump = options_for(nearer, jumps=(options_for(nearest),))
    session = connect(options_for(device, jumps=(jump,)))
    assert session.rpc("<echo/>").message_id
    assert "Connection from" in nearest.log()


def test_sessions_leave_nothing(connect, hosts):
    settings = through(hosts)
    connect(settings).close()
    before = Resources.now()
    for _ in range(3):
        session = connect(settings)
        session.rpc("<echo/>")
        session.close_session()
        assert nothing_left(before)


# --- by the parameters of connect ----------------------------------------------------------------


def test_the_middle_one_has_a_known_hosts_entry_of_its_own(driver, hosts, tmp_path):
    nearest, middle, device = hosts
    files = [tmp_path / "nearest", tmp_path / "middle", tmp_path / "device"]
    for path, host in zip(files, hosts, strict=True):
        known_hosts(path, host, host.host_keys["ed25519"])
    config = tmp_path / "config"
    config.write_text(
        "".join(
            f"Host {name}\n HostName {host.host}\n Port {host.port}\n User {host.user}\n"
            f" IdentityFile {host.client_key}\n UserKnownHostsFile {path}\n"
            for name, host, path in zip(("near", "middle", "device"), hosts, files, strict=True)
        )
    )
    settings = {
        "ssh_config": str(config), "jumps": ["near", "middle"], "driver": driver,
        "allow_agent": False, "look_for_keys": False,
    }  # fmt: skip
    before = Resources.now()
    with ncwire.connect("device", **settings) as session:
        assert session.rpc("<echo/>").message_id
    assert nothing_left(before)
    files[1].write_text("")
    with pytest.raises(SSHUnknownHostError) as caught:
        ncwire.connect("device", **settings)
    assert caught.value.jump_host == f"{middle.host}:{middle.port}"
    assert nothing_left(before)
    assert "Connection from" in nearest.log()
    assert device.log().count("Accepted publickey") == 1
