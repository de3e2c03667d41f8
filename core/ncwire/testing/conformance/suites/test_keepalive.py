"""Keepalive: a question that the peer answers, and when it was last heard."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.suites.test_backpressure import send_blocked
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.testing.conformance.rig import Rig


@rule("keepalive.sent")
def test_keepalive_sent(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, _ = ncwire_rig.open(host)
    line.count_turns(ncwire_rig.short)
    sent, answered = host.relay.sent, host.relay.answered
    line.channel.keepalive()
    ncwire_rig.eventually_driven(line, lambda: host.relay.sent > sent, "the question")
    ncwire_rig.eventually_driven(line, lambda: host.relay.answered > answered, "the answer")


@rule("keepalive.heard")
def test_keepalive_heard(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    line.count_turns(ncwire_rig.short)
    before = time.monotonic()
    line.channel.keepalive()
    ncwire_rig.eventually_driven(
        line, lambda: line.channel.heard() >= before, "word of the keepalive's answer"
    )
    line.count_turns(ncwire_rig.short)
    before = time.monotonic()
    end.send(b"data")
    line.receive(4)
    assert before <= line.channel.heard() <= time.monotonic()


@rule("keepalive.silence")
def test_keepalive_silence(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, _ = ncwire_rig.open(host)
    line.count_turns(ncwire_rig.short)
    host.relay.freeze()
    line.count_turns(ncwire_rig.short)
    heard = line.channel.heard()
    line.channel.keepalive()
    line.send(b"anybody?")
    line.count_turns(ncwire_rig.short)
    assert line.channel.heard() == heard


@rule("keepalive.does-not-block")
def test_keepalive_does_not_block(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    line, end = ncwire_rig.open(host)
    host.relay.freeze()

    def ask() -> None:
        Task(line.channel.keepalive, "keepalive").result(ncwire_rig.patience)

    send_blocked(ncwire_rig, host, line, end, meanwhile=ask)
