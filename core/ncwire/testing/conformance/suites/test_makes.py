"""A server of another make: what one make lets pass another does not."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ncwire.testing.conformance.host import USERNAME
from ncwire.testing.conformance.login import Round
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.suites.test_io import MEGABYTE, noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.testing.conformance.host import ServerEnd
    from ncwire.testing.conformance.line import Line
    from ncwire.testing.conformance.rig import Rig

_LARGE = 20_000_000
_WINDOW = 2048
_PACKET = 256
_REKEY_BYTES = 1 << 18
_NOTHING = Round("", "", (), ())
_ROUNDS = (
    _NOTHING,
    Round("Terms", "Read them", (("Do you accept? ", True),), ("yes",)),
    _NOTHING,
    Round("Token", "", (("Code: ", False),), ("123456",)),
    _NOTHING,
)


@rule("makes.password")
def test_makes_password(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open(ncwire_rig.other_make(authorized_keys=()), key_filename=())
    _answers(ncwire_rig, line, end)


@rule("makes.publickey")
def test_makes_publickey(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open(
        ncwire_rig.other_make(), password=None, key_filename=(ncwire_rig.key_file,)
    )
    _answers(ncwire_rig, line, end)


@rule("makes.interactive")
def test_makes_interactive(ncwire_rig: Rig) -> None:
    left = [each.answers for each in _ROUNDS if each.prompts]

    def answer(
        _title: str, _instruction: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        return left.pop(0) if prompts else ()

    line, end = ncwire_rig.open(
        ncwire_rig.other_make(rounds=_ROUNDS),
        auth_handler=answer,
        key_filename=(),
        password=None,
    )
    _answers(ncwire_rig, line, end)


@rule("makes.large-transfers")
def test_makes_large_transfers(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open(ncwire_rig.other_make())
    data = noise(_LARGE)
    end.sending(data)
    assert line.receive(len(data)) == data
    taking = end.receiving(len(data))
    line.send(data)
    assert ncwire_rig.until(line, taking) == data


@rule("makes.small-packets")
def test_makes_small_packets(ncwire_rig: Rig) -> None:
    host = ncwire_rig.other_make(window=_WINDOW, packet=_PACKET)
    line, end = ncwire_rig.open(host)
    data = noise(100 * _WINDOW)
    taking = end.receiving(len(data))
    line.send(data)
    assert ncwire_rig.until(line, taking) == data
    assert host.largest <= _PACKET


@rule("makes.rekey")
def test_makes_rekey(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open(ncwire_rig.other_make(rekey_bytes=_REKEY_BYTES))
    down, up = noise(2 * MEGABYTE), noise(2 * MEGABYTE + 1)
    end.sending(down)
    taking = end.receiving(len(up))
    line.send(up)
    assert ncwire_rig.until(line, taking) == up
    assert line.receive(len(down)) == down


@rule("makes.keepalive")
def test_makes_keepalive(ncwire_rig: Rig) -> None:
    line, _ = ncwire_rig.open(ncwire_rig.other_make())
    line.count_turns(ncwire_rig.short)
    before = time.monotonic()
    line.channel.keepalive()
    ncwire_rig.eventually_driven(
        line, lambda: line.channel.heard() >= before, "word of the keepalive's answer"
    )


@rule("makes.end-of-stream")
def test_makes_end_of_stream(ncwire_rig: Rig) -> None:
    host = ncwire_rig.other_make()
    line, end = ncwire_rig.open(host)
    data = noise(100_000)
    end.send(data)
    end.released.set()
    # Data and end are both there when reading begins: that is when data gets lost.
    ncwire_rig.settled(lambda: host.relay.answered)
    assert line.receive_to_end() == data
    assert line.channel.read(1000) == b""


@rule("makes.finish")
def test_makes_finish(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open(ncwire_rig.other_make())
    data = noise(100_000)
    taking = end.receiving_to_end()
    taking.notify(end.released.set)  # the server closes when it has read to the end
    line.send(data)
    line.finish()
    assert taking.result(ncwire_rig.patience) == data
    line.channel.close()


def _answers(rig: Rig, line: Line, end: ServerEnd) -> None:
    line.send(b"question")
    end.send(rig.until(line, end.receiving(8)))
    assert line.receive(8) == b"question"
    assert end.stream.info.username == USERNAME
