"""What fails at a jump host: the error names the host, and nothing is left."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time

import pytest
from jumping import known_hosts, through

from attempts import aborted, begin, nothing_left
from ncwire import Timeouts
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
from ncwire.testing.conformance.resources import Resources

pytestmark = pytest.mark.sshd


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
    with contextlib.ExitStack() as peers:
        error = aborted(attempt, lambda: peers.enter_context(silent.accept()[0]))
    assert isinstance(error, SessionCloseError)
    assert error.closed_by == "us"
    assert nothing_left(before)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
