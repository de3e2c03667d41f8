"""The thread in which the libssh2 driver connects: it ends, whatever interrupts its start."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time

import pytest
from libssh2_rig import soon

from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire.errors import TransportError
from ncwire_libssh2.aside import NAME, Aside
from ncwire_libssh2.connection import AGAIN, Connection
from sleeping_caller import LONG, SleepingCaller
from waiting import eventually


def left():
    """Return those of its threads that have not ended, having waited for them."""
    until = time.monotonic() + 5
    while threads := [each for each in threading.enumerate() if is_one(each)]:
        if time.monotonic() > until:
            break
        os.sched_yield()
    return threads


def is_one(thread):
    # One that was kept from starting stands in CPython's list for ever, and has no ident.
    return thread.name == NAME and thread.ident is not None


def test_one_whose_start_is_interrupted_at_any_point_ends():
    at = 1
    with raising(KINDS[0]):
        while True:
            aside = Aside()
            interrupter = Interrupter(at, [folder_of("ncwire_libssh2")])
            # A lock of `threading` may raise a RuntimeError over it, which becomes ours.
            with contextlib.suppress(KINDS[0], TransportError), interrupter:
                assert aside.call(lambda: "done", soon()) == "done"
            aside.stop()
            assert left() == [], interrupter.where
            if not interrupter.where:
                break
            at += 1
    assert at > 10


def test_an_interrupted_caller_leaves_no_wait_behind_that_the_end_would_be_left_to():
    ours, peer = socket.socketpair()
    connection = Connection(ours)
    may_return = threading.Event()

    def attempt():
        may_return.wait()
        return AGAIN

    caller = SleepingCaller(lambda: connection.drive_aside(attempt, soon(LONG)))
    assert caller.is_interrupted()
    may_return.set()
    eventually(lambda: not connection.lock.locked())
    connection.end()
    peer.close()
    assert left() == []
    assert connection.stop.fileno() == -1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "call",
    [
        lambda connection: connection.wait(select.POLLIN, soon(0.01)),
        lambda connection: connection.drive(lambda: "done", soon()),
        lambda connection: connection.settled(),
        lambda connection: connection.drop([]),
    ],
    ids=["wait", "drive", "settled", "drop"],
)
def test_a_connection_whose_call_is_interrupted_at_any_point_can_be_freed(call, kind):
    at = 1
    with raising(kind):
        while True:
            ours, peer = socket.socketpair()
            connection = Connection(ours)
            interrupter = Interrupter(at, [folder_of("ncwire_libssh2")])
            with contextlib.suppress(kind), interrupter:
                call(connection)
            connection.end()
            peer.close()
            assert not connection.lock.locked(), interrupter.where
            assert (connection.session, connection.fileno()) == (None, -1), interrupter.where
            assert connection.stop.fileno() == -1, interrupter.where
            if not interrupter.where:
                break
            at += 1
    assert at > 3
