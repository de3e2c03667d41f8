"""Bytes, both ways: whole, in order, told of, and never waited for."""

# ruff: noqa: D103, PLR2004, S101 - each test's rule says what it is for

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import Channel, LastWords
from ncwire.testing.conformance.login import ScriptedLogin
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.testing.conformance.rig import Rig

MEGABYTE = 1 << 20
FLOODED_TURNS = 20
COMPLAINT = "the licence has expired (\u00fc)\n".encode()
EXIT_STATUS = 3
QUIET_TURNS = 5
"""What an idle channel may need, of things that are under way yet; polling needs more."""


@rule("io.read-none")
def test_io_read_none(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    assert line.channel.read(1000) is None
    assert line.channel.read(1000) is None


@rule("io.read-size")
def test_io_read_size(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    end.send(b"0123456789")
    parts: list[bytes] = []
    until = time.monotonic() + ncwire_rig.patience
    while len(b"".join(parts)) < 10 and time.monotonic() < until:
        data = line.channel.read(3)
        if data is None:
            line.wait(ncwire_rig.patience)
            continue
        parts.append(data)
        assert 0 < len(data) <= 3
    assert b"".join(parts) == b"0123456789"


@rule("io.end-of-stream")
def test_io_end_of_stream(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    data = noise(100_000)
    end.send(data)
    end.released.set()
    end.close()
    # Data and end are both there when reading begins: that is when data gets lost.
    if ncwire_rig.target != "ssh":
        ncwire_rig.eventually(lambda: host.relay.hung_up, "the end's arrival")
    ncwire_rig.settled(lambda: host.relay.answered)
    assert line.receive_to_end() == data
    assert line.channel.read(1000) == b""


@rule("io.no-view-kept")
def test_io_no_view_kept(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = noise(200_000)
    taking = end.receiving(len(data))
    sent = 0
    until = time.monotonic() + ncwire_rig.patience
    while sent < len(data) and time.monotonic() < until:
        lent = bytearray(data[sent : sent + 10_000])
        taken = line.channel.write(memoryview(lent))
        lent[:] = bytes(len(lent))
        sent += taken
        if not taken:
            line.serve()
            line.wait(ncwire_rig.short)
    assert ncwire_rig.until(line, taking) == data


@rule("io.binary")
def test_io_binary(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = bytes(range(256)) * 4
    line.send(data)
    assert ncwire_rig.until(line, end.receiving(len(data))) == data
    end.send(data)
    assert line.receive(len(data)) == data


@rule("io.large-down")
def test_io_large_down(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = noise(8 * MEGABYTE)
    end.sending(data)
    assert line.receive(len(data)) == data


@rule("io.large-up")
def test_io_large_up(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = noise(8 * MEGABYTE)
    taking = end.receiving(len(data))
    line.send(data)
    assert ncwire_rig.until(line, taking) == data


@rule("io.duplex")
def test_io_duplex(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    down, up = noise(4 * MEGABYTE), noise(4 * MEGABYTE + 1)
    end.sending(down)
    taking = end.receiving(len(up))
    line.send(up)
    assert ncwire_rig.until(line, taking) == up
    assert line.receive(len(down)) == down


@rule("io.read-after-write")
def test_io_read_after_write(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    for _ in range(20):
        asked = end.receiving(10)
        end.send(b"0123456789")
        line.wait(ncwire_rig.patience)
        assert line.channel.write(memoryview(b"abcdefghij")) == 10
        assert line.receive(10) == b"0123456789"
        assert ncwire_rig.until(line, asked) == b"abcdefghij"


@rule("io.arrival-is-told")
def test_io_arrival_is_told(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    line.count_turns(ncwire_rig.short)
    end.send(b"news")
    assert line.wait(ncwire_rig.patience)
    assert line.receive(4) == b"news"


@rule("io.idle-is-quiet")
def test_io_idle_is_quiet(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open()
    line.count_turns(ncwire_rig.short)
    assert line.count_turns(ncwire_rig.short) <= QUIET_TURNS


@rule("io.rekey")
def test_io_rekey(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(login=ScriptedLogin.of(rekey_bytes=MEGABYTE))
    line, end = ncwire_rig.open(host)
    data = noise(4 * MEGABYTE)
    end.sending(data)
    assert line.receive(len(data)) == data
    taking = end.receiving(len(data))
    line.send(data)
    assert ncwire_rig.until(line, taking) == data
    assert host.login.rekeyed()


@rule("io.bounded-service")
def test_io_bounded_service(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    enough = threading.Event()
    ncwire_rig.later("the flood", enough.set)

    def flood() -> None:
        with suppress(ConnectionError):
            while not enough.is_set():
                end.stream.send_stderr(bytes(1 << 15))

    Task(flood, "the server's flood of stderr")
    for _ in range(FLOODED_TURNS):
        line.queue(b"x")
        Task(line.serve, "read and write in a flood").result(ncwire_rig.patience)
        line.keep_queued(0)
        line.wait(ncwire_rig.short)
    line.free()
    Task(line.channel.close, "close in a flood").result(ncwire_rig.patience)


@rule("io.stderr-does-not-starve")
def test_io_stderr_does_not_starve(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    telling = end.complaining(4 * MEGABYTE)
    ncwire_rig.until(line, telling)
    end.sending(b"done")
    assert line.receive(4) == b"done"


@rule("io.last-words")
def test_io_last_words(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open(ncwire_rig.ssh_host())
    assert line.channel.last_words() == LastWords()
    end.leave(COMPLAINT, EXIT_STATUS)
    assert line.receive_to_end() == b""
    words = line.channel.last_words()
    if type(line.channel).last_words is Channel.last_words:
        return
    assert words.stderr == COMPLAINT
    assert words.exit_status in (None, EXIT_STATUS)
    assert not words.signal


def noise(size: int) -> bytes:
    """Return bytes among which a lost, repeated or moved part is seen."""
    return random.Random(size).randbytes(size)  # noqa: S311 - not for cryptography
