"""Through jump hosts, each a real sshd: verified, authenticated, relayed, and freed."""

from __future__ import annotations

import dataclasses
import socket
import sys
import threading
import time

import pytest

import ncwire
from ncwire import Session, Timeouts
from ncwire._plugins import registry
from ncwire._protocol.capabilities import default_client_capabilities
from ncwire._ssh.connecting import connecting
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
from waiting import eventually

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024
PATIENCE = 20.0
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
    return connecting(registry.choose(driver)(), settings, deadline)


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


@pytest.fixture
def refused(driver):
    """Connect, which must fail with this error at this jump host, and leave nothing."""

    def refused(settings, kind, hop, match=None):
        before = Resources.now()
        with pytest.raises(kind, match=match) as caught:
            begin(driver, settings).run()
        assert nothing_left(before)
        assert caught.value.jump_host == f"{hop.host}:{hop.port}"
        assert str(caught.value).startswith(f"jump host {hop.host}:{hop.port}: ")
        return caught.value

    return refused


def nothing_left(before: Resources) -> bool:
    """Fail unless all goes that was not there before; on a busy machine that takes its time."""
    for each in threading.enumerate():
        if each.name.startswith("ncwire-relay"):
            each.join(PATIENCE)
            assert not each.is_alive()
    left = left_since(before, PATIENCE)
    assert not left, left
    return True


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


# --- at each hop -------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
def test_an_unknown_key_is_refused(refused, hosts, at):
    settings = through(hosts, {at: {"known_hosts": ()}})
    error = refused(settings, SSHUnknownHostError, hosts[at])
    assert error.host == f"[{hosts[at].host}]:{hosts[at].port}"
    assert error.sha256.startswith("SHA256:")
    assert not [host for host in hosts[at + 1 :] if "Connection from" in host.log()]


@pytest.mark.parametrize("at", [0, 1])
def test_a_changed_key_is_refused_without_asking(refused, hosts, at, tmp_path, key_ring):
    asked = []
    old = known_hosts(tmp_path / "known_hosts", hosts[at], key_ring.key("another"))
    change = {
        "known_hosts": (old,),
        "unknown_host_cb": lambda *given: asked.append(given) or True,
    }
    error = refused(through(hosts, {at: change}), SSHHostKeyChangedError, hosts[at])
    assert (error.filename, error.line) == (old, 1)
    assert asked == []


def test_the_callback_of_a_hop_is_asked_about_that_hop(connect, hosts):
    asked = []
    change = {
        "known_hosts": (),
        "unknown_host_cb": lambda host, fingerprint: asked.append((host, fingerprint)) or True,
    }
    assert connect(through(hosts, {1: change})).connected
    assert [host for host, _ in asked] == [hosts[1].host]


@pytest.mark.parametrize("at", [0, 1])
def test_wrong_credentials(refused, hosts, at, key_ring):
    stranger = str(key_ring.key("stranger"))
    settings = through(hosts, {at: {"key_filename": (stranger,)}})
    error = refused(settings, AuthenticationError, hosts[at], match="stranger.*denied")
    assert error.attempts


@pytest.mark.parametrize("at", [0, 1])
def test_what_can_be_refused_is_refused_before_a_packet(refused, hosts, at, tmp_path):
    missing = str(tmp_path / "no-such-key")
    refused(through(hosts, {at: {"key_filename": (missing,)}}), KeyFileError, hosts[at])
    assert not [host for host in hosts if "Connection from" in host.log()]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("config", ["AllowTcpForwarding no", "PermitOpen none"])
def test_a_refused_tunnel(refused, make_sshd, at, config):
    hosts = [make_sshd(config=config if at == index else "") for index in range(3)]
    target = f"{hosts[at + 1].host}:{hosts[at + 1].port}"
    match = rf"no tunnel to {target}: .*([Aa]dministratively prohibited|open failed)"
    refused(through(hosts), ChannelError, hosts[at], match=match)


def test_a_port_that_nothing_listens_on_behind_a_hop(refused, hosts):
    port = closed_port()
    settings = dataclasses.replace(through(hosts), port=port)
    match = rf"no tunnel to 127\.0\.0\.1:{port}: .*[Cc]onnect"
    refused(settings, ChannelError, hosts[1], match=match)


def test_a_first_hop_that_is_not_there(refused, hosts):
    class NotThere:
        host, port = "127.0.0.1", closed_port()
        user, client_key, known_hosts = hosts[0].user, hosts[0].client_key, hosts[0].known_hosts

    refused(through([NotThere, *hosts]), ConnectError, NotThere, match="refused")


@pytest.fixture
def silent(hosts):
    """A listener that takes connections and says nothing, to stand for any of the hosts."""

    class Silent:
        user, client_key, known_hosts = hosts[0].user, hosts[0].client_key, hosts[0].known_hosts
        host = "127.0.0.1"

        def __init__(self, listener) -> None:
            self.port = listener.getsockname()[1]
            self.accept = listener.accept

    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Silent(listener)


@pytest.mark.parametrize("at", [0, 1])
def test_a_silent_hop_costs_no_more_than_its_budget(refused, hosts, silent, at):
    route = [*hosts[:at], silent, hosts[2]]
    settings = through(route, {at: {"timeouts": Timeouts(handshake=0.3)}})
    began = time.monotonic()
    error = refused(settings, StepTimeoutError, silent, match=r"handshake.*0\.3 s")
    assert f"jump host 127.0.0.1:{silent.port}" in error.step
    assert time.monotonic() - began < 10  # not the 15 s that others have


def test_a_silent_host_behind_the_hops_is_no_hops_fault(driver, hosts, silent):
    settings = through([*hosts[:2], silent], timeouts=Timeouts(handshake=0.3))
    before = Resources.now()
    with pytest.raises(StepTimeoutError) as caught:
        begin(driver, settings).run()
    assert nothing_left(before)
    assert caught.value.jump_host is None


@pytest.mark.parametrize("at", [0, 1, 2])
def test_close_from_another_thread_while_at_a_hop(driver, hosts, silent, at):
    route = [*hosts[:at], silent, *hosts[at + 1 :]]
    attempt = begin(driver, through(route))
    before = Resources.now()
    outcome = []

    def run():
        try:
            outcome.append(attempt.run())
        except Exception as error:  # noqa: BLE001 - whatever comes is what is looked at
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    peer, _ = silent.accept()
    with peer:
        attempt.abort()
        thread.join(10)
        assert not thread.is_alive()
    assert isinstance(outcome[0], SessionCloseError)
    assert outcome[0].closed_by == "us"
    assert nothing_left(before)


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
    jump = options(nearer, jumps=(options(nearest),))
    session = connect(options(device, jumps=(jump,)))
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


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


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
