"""Tunnels: what lies behind an SSH server, through it, as a channel."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ncwire.errors import ChannelError, StepTimeoutError
from ncwire.testing.conformance.login import ScriptedLogin
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.resources import Resources
from ncwire.testing.conformance.suites.test_io import noise
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.driver import Channel
    from ncwire.testing.conformance.host import ServerEnd, SSHHost
    from ncwire.testing.conformance.line import Line
    from ncwire.testing.conformance.rig import Rig


@rule("tunnel.target")
def test_tunnel_target(ncwire_rig: Rig) -> None:
    line, end = _open(ncwire_rig, _host(ncwire_rig))
    assert end.stream.info.request == "tunnel next.example.net:8022"
    line.send(b"onwards")
    assert ncwire_rig.until(line, end.receiving(7)) == b"onwards"
    end.send(b"and back")
    assert line.receive(8) == b"and back"


@rule("tunnel.carries")
def test_tunnel_carries(ncwire_rig: Rig) -> None:
    line, end = _open(ncwire_rig, _host(ncwire_rig))
    data = noise(3_000_000)
    taking, giving = end.receiving(len(data)), end.sending(data)
    line.queue(data)
    assert line.receive(len(data)) == data
    line.drive(lambda: not line.unsent, "writing to the tunnel")
    assert ncwire_rig.until(line, taking) == data
    giving.result(ncwire_rig.patience)
    end.send(b"the last")
    end.close()
    assert line.receive_to_end() == b"the last"


@rule("tunnel.refused")
def test_tunnel_refused(ncwire_rig: Rig) -> None:
    driver = ncwire_rig.authenticated(_host(ncwire_rig))
    call = Task(
        lambda: driver.open_tunnel("elsewhere.example.net", 22, ncwire_rig.soon()), "open_tunnel"
    )
    began = time.monotonic()
    assert isinstance(_error_of(call, 2 * ncwire_rig.patience), ChannelError)
    assert time.monotonic() - began < ncwire_rig.patience


@rule("tunnel.deadline")
def test_tunnel_deadline(ncwire_rig: Rig) -> None:
    host = _host(ncwire_rig)
    driver = ncwire_rig.authenticated(host)
    host.relay.freeze()
    call = Task(
        lambda: driver.open_tunnel(*_NEXT, ncwire_rig.soon(ncwire_rig.short)), "open_tunnel"
    )
    assert isinstance(_error_of(call, ncwire_rig.short + ncwire_rig.patience), StepTimeoutError)


@rule("tunnel.frees")
def test_tunnel_frees(ncwire_rig: Rig) -> None:
    host = _host(ncwire_rig)
    ncwire_rig.warm_up(host)
    for name in ("close", "abort"):
        before = Resources.now()
        line, end = _open(ncwire_rig, host)
        line.free()
        getattr(line.channel, name)()
        end.released.set()
        left = ncwire_rig.left_since(before)
        assert not left, f"left after {name}: {left}"


_NEXT = ("next.example.net", 8022)


def _host(rig: Rig) -> SSHHost:
    return rig.ssh_host(login=ScriptedLogin.of(tunnels_to=[_NEXT]))


def _open(rig: Rig, host: SSHHost) -> tuple[Line, ServerEnd]:
    driver = rig.authenticated(host)
    line = rig.adopt(driver.open_tunnel(*_NEXT, rig.soon()))
    return line, host.end()


def _error_of(call: Task[Channel], seconds: float) -> BaseException | None:
    try:
        call.result(seconds)
    except AssertionError:
        raise
    except BaseException as error:  # noqa: BLE001 - it is what the test asks for
        return error
    return None
