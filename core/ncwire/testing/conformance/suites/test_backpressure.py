"""When one side takes no more: the other waits, is told, and loses nothing."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.testing.conformance.line import READ_SIZE
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.suites.test_io import (
    MEGABYTE,
    QUIET_TURNS,
    noise,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.testing.conformance.host import Host, ServerEnd
    from ncwire.testing.conformance.line import Line
    from ncwire.testing.conformance.rig import Rig

BOUND = 32 * MEGABYTE
"""More than buffers may take in: the kernel's alone, on the way, hold some 20 MB."""
TRAILER = b"and this is the end"


@rule("backpressure.write-returns-zero")
def test_backpressure_write_returns_zero(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    assert line.fill(bytes(BOUND)) < BOUND


@rule("backpressure.same-bytes")
def test_backpressure_same_bytes(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    send_blocked(ncwire_rig, host, line, end)


@rule("backpressure.progress-told")
def test_backpressure_progress_told(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    line.fill(bytes(BOUND))
    end.receiving(BOUND)
    assert line.wait(ncwire_rig.patience)


@rule("backpressure.read-keeps-progress")
def test_backpressure_read_keeps_progress(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    line.fill(bytes(BOUND))
    before = host.relay.traffic
    end.receiving(BOUND)
    ncwire_rig.eventually(lambda: host.relay.traffic > before, "the peer's going on")
    ncwire_rig.settled(lambda: host.relay.traffic)
    # The write is not tried again: a read comes first, and takes in what there is.
    while line.channel.read(READ_SIZE) is not None:
        pass
    assert line.wait(ncwire_rig.patience)
    left = line.unsent
    line.serve()
    assert line.unsent < left, "what was told of could not go on"


@rule("backpressure.blocked-is-quiet")
def test_backpressure_blocked_is_quiet(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    line.fill(bytes(BOUND))
    line.count_turns(ncwire_rig.short)
    assert line.count_turns(ncwire_rig.short) <= QUIET_TURNS


@rule("backpressure.read-while-blocked")
def test_backpressure_read_while_blocked(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    line.fill(bytes(BOUND))
    data = noise(MEGABYTE)
    end.sending(data)
    assert line.receive(len(data)) == data


@rule("backpressure.pause-loses-nothing")
def test_backpressure_pause_loses_nothing(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    data = noise(BOUND)
    end.sending(data)
    read = bytearray()
    while len(read) < BOUND:
        ncwire_rig.settled(lambda: host.relay.answered)
        read += line.receive(min(BOUND // 4, BOUND - len(read)))
    assert read == data


@rule("backpressure.peer-is-held")
def test_backpressure_peer_is_held(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    data = noise(BOUND)
    end.sending(data)
    held = ncwire_rig.settled(lambda: host.relay.answered)
    assert held < BOUND
    assert line.receive(held) == data[:held]


def send_blocked(
    rig: Rig,
    host: Host,
    line: Line,
    end: ServerEnd,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Have a write blocked, and go on; then look at what the peer has got."""
    data = noise(BOUND)
    taken = line.fill(data)
    more = min(BOUND, taken + MEGABYTE)
    line.keep_queued(more - taken)
    meanwhile()
    before = host.relay.traffic
    host.relay.thaw()
    taking = end.receiving(more + len(TRAILER))
    # Whether it is told of is another rule's matter.
    rig.eventually(lambda: host.relay.traffic > before, "the peer's going on")
    line.drive(lambda: not line.unsent, "writing the rest")
    line.send(TRAILER)
    assert rig.until(line, taking) == data[:more] + TRAILER
