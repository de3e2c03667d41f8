"""The end that is ours: said to the peer, at once, and leaving nothing."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.testing.conformance.login import (
    CHANNEL_CLOSE,
    CHANNEL_EOF,
    DISCONNECT,
    ScriptedLogin,
)
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.resources import Resources
from ncwire.testing.conformance.suites.test_backpressure import BOUND
from ncwire.testing.conformance.suites.test_io import noise
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.testing.conformance.host import Host
    from ncwire.testing.conformance.rig import Rig

CYCLES = 10
_NEVER_ADJUSTED = 1 << 28
"""A window that paramiko's server (5.1) opens again only when a tenth of it has been read."""
LITTLE = 1000
_A_SECOND = 1.0


@rule("close.peer-sees-end")
def test_close_peer_sees_end(ncwire_rig: Rig) -> None:
    host = _silent_host(ncwire_rig)
    line, end = ncwire_rig.open(host)
    # More than the way holds for a peer that reads nothing: the rest waits with our kernel, which
    # drops it when the connection is broken in place of ended.
    # A Unix socket has no way: what is written is with the peer, and close takes none of it back.
    data = noise(100_000 if ncwire_rig.target == "unix" else 400_000)
    taking = end.receiving_to_end()
    host.relay.deafen()
    line.send(data[:-LITTLE])
    line.send(data[-LITTLE:])  # which a driver may gather, where it sends much at once
    line.channel.close()
    host.relay.thaw()
    assert taking.result(ncwire_rig.patience) == data


@rule("close.finish-waits-for-peer")
def test_close_finish_waits_for_peer(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    line, end = ncwire_rig.open(host)
    data = noise(100_000)
    taking = end.receiving_to_end()
    taking.notify(end.released.set)  # the server closes when it has read to the end
    line.send(data[:50_000])
    host.relay.deafen()
    line.send(data[50_000:])
    assert not line.channel.finish(), "the peer cannot have heard that yet"
    line.count_turns(ncwire_rig.short)
    assert not line.channel.finish(), "the peer cannot have heard that yet"
    assert not host.idle, "the connection has ended before the peer has heard all"
    host.relay.thaw()
    line.finish()
    assert taking.result(ncwire_rig.patience) == data
    line.channel.close()
    ncwire_rig.eventually(lambda: host.idle, "the connection's end")
    said = host.login.endings
    # The relay has passed the last bytes on by now; the server may not have read them yet.
    ncwire_rig.eventually(lambda: len(said) > 1, "the channel's end and its close")
    assert said[:2] == [CHANNEL_EOF, CHANNEL_CLOSE]
    assert said[2:] in ([], [DISCONNECT])


@rule("close.finish-leaves-time")
def test_close_finish_leaves_time(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    line, end = ncwire_rig.open(host)
    data = noise(100_000)
    line.send(data)
    finishing = Task(line.finish, "finish")
    ncwire_rig.eventually(lambda: CHANNEL_EOF in host.login.endings, "word of the channel's end")
    ncwire_rig.never(
        lambda: host.login.endings != [CHANNEL_EOF], "a close, or a disconnect", _A_SECOND
    )
    assert not host.idle, "the connection has ended before the peer has read all"
    taking = end.receiving_to_end()
    taking.notify(end.released.set)
    assert taking.result(ncwire_rig.patience) == data
    finishing.result(ncwire_rig.patience)


@rule("close.idempotent")
def test_close_idempotent(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    line.channel.close()
    line.channel.close()


@rule("close.abort-after-close")
def test_close_abort_after_close(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, _ = ncwire_rig.open(host)
    line.channel.close()
    line.channel.abort()
    line, _ = ncwire_rig.open(host)
    line.channel.abort()
    line.channel.abort()
    line.channel.close()


@rule("close.frees")
def test_close_frees(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    ncwire_rig.warm_up(host)
    before = Resources.now()
    line, end = ncwire_rig.open(host)
    line.free()
    line.channel.close()
    end.released.set()
    assert not ncwire_rig.left_since(before)


@rule("close.abort-frees")
def test_close_abort_frees(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    ncwire_rig.warm_up(host)
    before = Resources.now()
    line, end = ncwire_rig.open(host)
    line.free()
    line.channel.abort()
    end.released.set()
    assert not ncwire_rig.left_since(before)


@rule("close.many")
def test_close_many(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    ncwire_rig.warm_up(host)
    before = Resources.now()
    for _ in range(CYCLES):
        line, end = ncwire_rig.open(host)
        end.send(b"one of many")
        assert line.receive(11) == b"one of many"
        line.free()
        line.channel.close()
        end.released.set()
    assert not ncwire_rig.left_since(before)


@rule("close.does-not-block")
def test_close_does_not_block(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    ncwire_rig.warm_up(host)
    before = Resources.now()
    line, end = ncwire_rig.open(host)
    host.relay.freeze()
    line.fill(bytes(BOUND))
    line.free()
    Task(line.channel.close, "close").result(ncwire_rig.patience)
    host.relay.thaw()
    end.released.set()
    assert not ncwire_rig.left_since(before)


@rule("close.after-peer")
def test_close_after_peer(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    end.released.set()
    end.close()
    line.receive_to_end()
    line.channel.close()
    line, _ = ncwire_rig.open(host)
    host.relay.reset()
    line.channel.close()


def _silent_host(rig: Rig) -> Host:
    """Return one that says nothing while it reads.

    Of TCP a closed socket answers what comes with a reset (RFC 1122 section 4.2.2.13; Linux), and
    drops what the peer has not taken yet. No driver can help that, which is why there is `finish`.
    """
    if rig.target != "ssh":
        return rig.host()
    return rig.ssh_host(login=ScriptedLogin.of(window=_NEVER_ADJUSTED))
