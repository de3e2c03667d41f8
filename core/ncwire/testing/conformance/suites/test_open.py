"""Connecting: a channel within the deadline, or an error of ours and nothing left behind."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import shlex
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ncwire._ssh.connecting import connecting
from ncwire.driver import (
    Algorithms,
    ChannelInfo,
    ChannelRequest,
    Driver,
    Feature,
    PasswordAttempt,
    SocketDriver,
    SSHDriver,
    Timeouts,
)
from ncwire.errors import (
    ChannelError,
    HandshakeError,
    StepTimeoutError,
    TransportError,
)
from ncwire.testing.certificates import CertificateAuthority
from ncwire.testing.conformance.awkward import (
    AwkwardPeer,
    another_protocol,
    dripping,
    dripping_record,
    gone,
    silent,
)
from ncwire.testing.conformance.host import PASSWORD, USERNAME
from ncwire.testing.conformance.hostile import ManyExtensions
from ncwire.testing.conformance.login import ScriptedLogin
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.resources import Resources
from ncwire.testing.conformance.suites.test_io import MEGABYTE
from ncwire.testing.conformance.suites.test_threads import run_child
from ncwire.testing.conformance.targets import closed_port
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions
    from ncwire.testing.conformance.rig import Rig

BANNER = "For use by the kit alone."
ONLY = Algorithms(
    kex=("ecdh-sha2-nistp256",),
    ciphers=("aes256-ctr",),
    macs=("hmac-sha2-512",),
)
"""All that a server has, so that what a driver merely supposes is seen to be wrong."""


@rule("open.class")
def test_open_class(ncwire_rig: Rig) -> None:
    driver = ncwire_rig.driver
    assert issubclass(driver, (SSHDriver, SocketDriver, Driver))
    assert driver.name
    assert isinstance(vars(driver)["contract"], tuple)
    assert all(isinstance(feature, Feature) for feature in driver.features)
    assert driver.library()
    if issubclass(driver, (SSHDriver, SocketDriver)):
        assert driver.features >= driver.CORE_FEATURES
    if issubclass(driver, SSHDriver):
        algorithms = driver.algorithms
        assert isinstance(algorithms, Algorithms)
        assert algorithms.kex
        assert algorithms.host_keys
        assert algorithms.ciphers


@rule("open.connects")
def test_open_connects(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    line.send(b"to the peer")
    assert ncwire_rig.until(line, end.receiving(11)) == b"to the peer"
    end.send(b"and back")
    assert line.receive(8) == b"and back"


@rule("open.info")
def test_open_info(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    info = line.channel.info
    assert isinstance(info, ChannelInfo)
    assert info.library
    assert line.channel.native is not None


@rule("open.info-is-true")
def test_open_info_is_true(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(login=ScriptedLogin.of(algorithms=ONLY), auth_banner=BANNER)
    line, _ = ncwire_rig.open(host)
    info = line.channel.info
    told = {
        "banner": info.banner.strip(),
        "kex": info.kex,
        "host_key_type": info.host_key_type,
        "cipher": info.cipher,
        "mac": info.mac,
        "compression": info.compression,
    }
    true = {
        "banner": BANNER,
        "kex": ONLY.kex[0],
        "host_key_type": "ssh-ed25519",
        "cipher": ONLY.ciphers[0],
        "mac": ONLY.macs[0],
        "compression": "none",
    }
    assert {name: text for name, text in told.items() if text not in ("", true[name])} == {}


@rule("open.server-version")
def test_open_server_version(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    version = line.channel.info.server_version
    assert version == "" or version.startswith("SSH-2.0-paramiko")


@rule("open.unreachable")
def test_open_unreachable(ncwire_rig: Rig) -> None:
    error = ncwire_rig.failure(ncwire_rig.nowhere())
    assert isinstance(error, TransportError)
    assert not isinstance(error, StepTimeoutError)


@rule("open.connect-deadline")
def test_open_connect_deadline(ncwire_rig: Rig) -> None:
    error = ncwire_rig.failure(ncwire_rig.unanswering(), ncwire_rig.short)
    assert isinstance(error, StepTimeoutError)


@rule("open.handshake-deadline")
def test_open_handshake_deadline(ncwire_rig: Rig) -> None:
    peer = AwkwardPeer(silent)
    ncwire_rig.later("the peer", peer.close)
    error = ncwire_rig.failure(ncwire_rig.options(port=peer.port), ncwire_rig.short)
    assert isinstance(error, StepTimeoutError)


@rule("open.dripping-peer")
def test_open_dripping_peer(ncwire_rig: Rig) -> None:
    peer = AwkwardPeer(dripping if ncwire_rig.target == "ssh" else dripping_record)
    ncwire_rig.later("the peer", peer.close)
    error = ncwire_rig.failure(ncwire_rig.options(port=peer.port), ncwire_rig.short)
    # A library may know such a peer for what it is; what counts is that it does not wait for it.
    assert isinstance(error, TransportError)


@rule("open.hostile-extensions")
@pytest.mark.parametrize("known", [False, True], ids=["unknown host", "known host"])
def test_open_hostile_extensions(ncwire_rig: Rig, known: bool) -> None:  # noqa: FBT001 - it is a case
    peer = ManyExtensions()
    ncwire_rig.later("the peer", peer.close)
    known_hosts = ncwire_rig.folder / "hosts"
    known_hosts.write_text(peer.known_hosts if known else "", encoding="ascii")
    options = ncwire_rig.options(port=peer.port, known_hosts=(str(known_hosts),))
    # In a process of its own: what does not end there would hinder every test that follows.
    child = run_child(ncwire_rig, options, "fail", frees=not known)
    assert child.result(_PATIENT * ncwire_rig.patience) == "failed in time\n"


@rule("open.auth-deadline")
def test_open_auth_deadline(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    driver, _ = ncwire_rig.shaken_hands(host)
    host.relay.freeze()
    attempt = PasswordAttempt(USERNAME, PASSWORD)
    call = Task(
        lambda: driver.authenticate(attempt, ncwire_rig.soon(ncwire_rig.short)), "authenticate"
    )
    assert isinstance(_error_of(call, ncwire_rig.short + ncwire_rig.patience), StepTimeoutError)


@rule("open.channel-deadline")
def test_open_channel_deadline(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    driver, _ = ncwire_rig.shaken_hands(host)
    driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), ncwire_rig.soon())
    host.relay.freeze()
    request = ChannelRequest("netconf")
    call = Task(
        lambda: driver.open_channel(request, {}, ncwire_rig.soon(ncwire_rig.short)), "open_channel"
    )
    assert isinstance(_error_of(call, ncwire_rig.short + ncwire_rig.patience), StepTimeoutError)


@rule("open.hung-up")
def test_open_hung_up(ncwire_rig: Rig) -> None:
    peer = AwkwardPeer(gone)
    ncwire_rig.later("the peer", peer.close)
    error = ncwire_rig.failure(ncwire_rig.options(port=peer.port))
    assert isinstance(error, TransportError)
    assert not isinstance(error, StepTimeoutError)


@rule("open.not-ssh")
def test_open_not_ssh(ncwire_rig: Rig) -> None:
    peer = AwkwardPeer(another_protocol)
    ncwire_rig.later("the peer", peer.close)
    error = ncwire_rig.failure(ncwire_rig.options(port=peer.port))
    assert isinstance(error, TransportError)
    assert not isinstance(error, StepTimeoutError)


@rule("open.no-common-algorithm")
def test_open_no_common_algorithm(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()  # its host key is ed25519
    offered = ncwire_rig.offer()
    others = tuple(name for name in offered.host_keys if name != "ssh-ed25519")
    driver = ncwire_rig.steps()
    sock = ncwire_rig.socket_to(host.port)
    narrowed = Algorithms(offered.kex, others, offered.ciphers, offered.macs)
    call = Task(lambda: driver.handshake(sock, narrowed, ncwire_rig.soon()), "handshake")
    assert isinstance(_error_of(call, 2 * ncwire_rig.patience), HandshakeError)


@rule("open.failed-leaves-nothing")
def test_open_failed_leaves_nothing(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    doomed = [
        (ncwire_rig.nowhere(), ncwire_rig.patience),
        (ncwire_rig.unanswering(), ncwire_rig.short),
    ]
    if ncwire_rig.target in {"ssh", "tls"}:
        peers = [AwkwardPeer(gone), AwkwardPeer(another_protocol), AwkwardPeer(silent)]
        for peer in peers:
            ncwire_rig.later("the peer", peer.close)
        doomed += [
            *((ncwire_rig.options(port=peer.port), ncwire_rig.patience) for peer in peers[:2]),
            (ncwire_rig.options(port=peers[2].port), ncwire_rig.short),
        ]
    if ncwire_rig.target == "tls":
        stranger = CertificateAuthority().write(ncwire_rig.folder / "stranger.pem")
        other = {"ca_certs": str(stranger)}
        doomed += [(ncwire_rig.options(host, driver_options=other), ncwire_rig.patience)]
    if ncwire_rig.target == "ssh":
        doomed += [
            (ncwire_rig.options(host, known_hosts=()), ncwire_rig.patience),
            (ncwire_rig.options(host, username="nobody"), ncwire_rig.patience),
            (ncwire_rig.options(host, subsystems=("none",)), ncwire_rig.patience),
        ]
    ncwire_rig.warm_up(host)
    for options, seconds in doomed:
        before = Resources.now()
        error = ncwire_rig.failure(options, seconds)
        left = ncwire_rig.left_since(before)
        assert not left, f"left after {error!r}: {left}"


@rule("open.abort")
def test_open_abort(ncwire_rig: Rig) -> None:
    driver = ncwire_rig.driver()
    options = _stalling(ncwire_rig)
    before = Resources.now()
    call = Task(connecting(driver, options, ncwire_rig.soon(_LONG)).run, "the driver's connect")
    ncwire_rig.later("the driver", driver.abort)
    ncwire_rig.eventually(
        lambda: bool(Resources.now().fds - before.fds), "the beginning of the connect"
    )
    # connect, as the core's sequence for SSH drivers, is the core's; abort is the driver's.
    time.sleep(_UNDER_WAY)
    driver.abort()
    assert isinstance(_error_of(call, ncwire_rig.patience), TransportError)


@rule("open.abort-is-idempotent")
def test_open_abort_is_idempotent(ncwire_rig: Rig) -> None:
    driver = ncwire_rig.driver()
    driver.abort()
    driver.abort()


@rule("open.subsystem-refused")
def test_open_subsystem_refused(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    error = ncwire_rig.failure(ncwire_rig.options(host, subsystems=("none",)))
    assert isinstance(error, ChannelError)


@rule("open.subsystem-fallback")
def test_open_subsystem_fallback(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    _, end = ncwire_rig.open(host, subsystems=("none", "netconf"))
    assert end.stream.info.request == "netconf"


@rule("open.subsystem-same-connection")
def test_open_subsystem_same_connection(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    ncwire_rig.open(host, subsystems=("none", "netconf"))
    assert len(host.relay.clients) == 1


@rule("open.command")
def test_open_command(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    _, end = ncwire_rig.open(host, subsystems=("none",), command="netconf --stdio")
    assert end.stream.info.request == "netconf --stdio"


@rule("open.exec")
def test_open_exec(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    driver, _ = ncwire_rig.shaken_hands(host)
    driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), ncwire_rig.soon())
    request = ChannelRequest("netconf --stdio", "exec")
    ncwire_rig.adopt(driver.open_channel(request, {}, ncwire_rig.soon()))
    assert host.end().stream.info.request == "netconf --stdio"


@rule("open.no-user-config")
def test_open_no_user_config(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    home = ncwire_rig.folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    config = home / ".ssh" / "config"
    config.touch(0o600)
    config.write_text(_MISLEADING.format(port=closed_port()), encoding="ascii")
    options = ncwire_rig.options(host)
    ncwire_rig.set_environment("HOME", str(home))
    ncwire_rig.connect(options)
    assert host.end().stream.info.username == USERNAME


@rule("open.compression")
def test_open_compression(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(login=ScriptedLogin.of(compresses=True))
    offered = replace(ncwire_rig.offer(), compression=("zlib@openssh.com",))
    line, end = ncwire_rig.open(host, algorithms=offered)
    assert line.channel.info.compression in ("", "zlib@openssh.com")
    sent, answered = host.relay.sent, host.relay.answered
    data = bytes(MEGABYTE)
    taking = end.receiving(len(data))
    line.send(data)
    assert ncwire_rig.until(line, taking) == data
    end.sending(data)
    assert line.receive(len(data)) == data
    assert host.relay.sent - sent < len(data) // 4
    assert host.relay.answered - answered < len(data) // 4


@rule("open.environment")
def test_open_environment(ncwire_rig: Rig) -> None:
    variables = {"NCWIRE_ONE": "1 and more", "NCWIRE_TWO": "zwei=ü"}
    _, end = ncwire_rig.open(environment=variables)
    assert dict(end.stream.info.environment) == variables


@rule("open.environment-refused")
def test_open_environment_refused(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(login=ScriptedLogin.of(takes_environment=False))
    _, end = ncwire_rig.open(host, environment={"NCWIRE_ONE": "1"})
    assert not end.stream.info.environment


@rule("open.socket")
def test_open_socket(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    sock = ncwire_rig.socket_to_host(host)
    unix = ncwire_rig.target == "unix"
    elsewhere = {"driver_options": {"path": None}} if unix else {"port": closed_port()}
    line, end = ncwire_rig.open(host, sock=sock, **elsewhere)
    end.send(b"over it")
    assert line.receive(7) == b"over it"


@rule("open.bind-address")
def test_open_bind_address(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    ncwire_rig.open(host, bind_addr=_other_loopback())
    assert host.relay.clients == [_other_loopback()]


@rule("open.address-family")
def test_open_address_family(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()  # it listens on IPv4 only
    ncwire_rig.open(host, host="localhost", address_family=socket.AF_INET)
    other = ncwire_rig.options(host, host="localhost", address_family=socket.AF_INET6)
    assert isinstance(ncwire_rig.failure(other), TransportError)


@rule("open.proxy-command")
def test_open_proxy_command(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    command = shlex.join([sys.executable, "-IS", "-c", _PROXY, str(host.port)])
    ncwire_rig.warm_up(host)
    before = Resources.now()
    start = ncwire_rig.time_to_start()
    options = ncwire_rig.options(
        host,
        port=closed_port(),
        proxy_command=command,
        timeouts=Timeouts(handshake=start),
    )
    line = ncwire_rig.connect(options, start)
    end = host.end()
    end.send(b"over it")
    assert line.receive(7) == b"over it"
    line.free()
    line.channel.close()
    end.released.set()
    assert not ncwire_rig.left_since(before)


@rule("open.jumps")
def test_open_jumps(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    target = ("127.0.0.1", host.port)
    nearer = ncwire_rig.ssh_host(login=ScriptedLogin.of(tunnels_to=[target]))
    nearest_login = ScriptedLogin.of(tunnels_to=[("127.0.0.1", nearer.port)])
    nearest = ncwire_rig.ssh_host(login=nearest_login)
    hops = [ncwire_rig.options(nearest), ncwire_rig.options(nearer)]
    connecting = ncwire_rig.connecting(ncwire_rig.options(host, jumps=tuple(hops)))
    for hop, port in ((nearest, nearer.port), (nearer, host.port)):
        tunnel = hop.end()
        assert tunnel.stream.info.request == f"tunnel 127.0.0.1:{port}"
        ncwire_rig.forward(tunnel, port)
    line = ncwire_rig.adopt(connecting.result(ncwire_rig.patience))
    host.end().send(b"far away")
    assert line.receive(8) == b"far away"
    stranger = ncwire_rig.options(nearest, known_hosts=())
    nearest_login.attempts.clear()
    error = ncwire_rig.failure(ncwire_rig.options(host, jumps=(stranger, hops[1])))
    assert isinstance(error, TransportError)
    assert not nearest_login.attempts


_PROXY = """
import os, socket, sys, threading
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := sock.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back).start()
while data := os.read(0, 65536):
    sock.sendall(data)
os._exit(0)
"""
_LONG = 600.0
_PATIENT = 6
"""How many times its patience a process may take that waits for a deadline and more."""
_MISLEADING = """Host *
  HostName 127.0.0.1
  Port {port}
  User intruder
  PubkeyAuthentication no
  PasswordAuthentication no
"""
_UNDER_WAY = 0.2


def _stalling(rig: Rig) -> ConnectOptions:
    """Return options for a connect that hangs: in the handshake, or in TCP if there is none."""
    if rig.target == "plain":
        return rig.unanswering()
    peer = AwkwardPeer(silent)
    rig.later("the peer", peer.close)
    return rig.options(port=peer.port)


def _error_of(call: Task[Any], seconds: float) -> BaseException | None:
    try:
        call.result(seconds)
    except AssertionError:
        raise
    except BaseException as error:  # noqa: BLE001 - it is what the test asks for
        return error
    return None


def _other_loopback() -> str:
    # Linux has all of 127.0.0.0/8 on its loopback; elsewhere the usual address must do.
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.2", 0))
        return "127.0.0.2"
    return "127.0.0.1"
