"""An interrupt at any point of a call leaves no lock taken that other threads need.

What `threading` does in Python for such a call is part of it: a condition's own `with` begins and
ends in a method, where an interrupt comes between the lock and the `with` that lets it go.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from unittest.mock import Mock

import pytest

from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire import callhome
from ncwire._session.notifications import NotificationReader
from ncwire._session.streaming import Streamed
from ncwire._ssh.auth.answer_clock import AnswerClock
from ncwire._ssh.route.proxy_command import ProxyCommand
from ncwire.persistent.connectors import Connectors
from ncwire.persistent.notifications import NotificationStream
from waiting import eventually

PATIENCE = 20.0
ROOT = ("notification", {})


def reader():
    made = NotificationReader(10, lambda _: None)
    made.callback(ROOT, "<notification/>")

    def use():
        made.get(0)
        made.get(0, None)
        made.close()

    return use, lambda: made.callback(ROOT, "<notification/>")


def stream_of_sessions():
    made = NotificationStream(10, lambda _: None)

    def use():
        made.get(0, None)
        made.close()

    return use, made.close


def connectors():
    made = Connectors(1, "ncwire-connector")
    member = Mock()
    made.join(member)

    def use():
        made.schedule(member, time.monotonic())
        made.leave(member)

    return use, lambda: made.leave(member)


def streamed():
    made = Streamed()
    made.put([b"x"])

    def use():
        made.take()
        made.wait(0)
        made.drop()

    return use, lambda: made.put([b"y"])


def listener():
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJFRQdUsnFcOk7hWZZBvY1lSVWTHvWTRwGhnt+Gzo1Yk"
    device = callhome.Device(name="r1", username="u", password="p", host_keys=key)
    made = callhome.listen([device], address="127.0.0.1", port=0)

    def use():
        made.accept(0.001)

    return use, made.close


def clock():
    made = AnswerClock(PATIENCE, lambda: None)

    def use():
        with made, made.stopped():
            pass

    return use, lambda: None  # that its thread ends is waited for when it is left


def proxy_command():
    made = ProxyCommand("exit 3")
    eventually(lambda: made.account(0.01))  # it has ended

    def use():
        made.account(0.001)  # waits for the rest of what it says, which nobody reads here

    def others():
        made.free(abrupt=True)
        made.sock.close()

    return use, others


@pytest.mark.parametrize(
    "make",
    [reader, streamed, listener, clock, stream_of_sessions, connectors, proxy_command],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_another_thread_goes_on(make, kind):
    with Interrupter(0, []):  # skips where nothing can be interrupted, before anything is made
        pass
    if make is listener and sys.version_info >= (3, 12):
        pytest.skip("an interrupt is simulated there between a raise and its with, too")
    at = 1
    with raising(kind):
        while True:
            use, others = make()
            interrupter = Interrupter(at, [folder_of("ncwire")], waits_too=True)
            with contextlib.suppress(Exception, *KINDS), interrupter:
                use()
            other = threading.Thread(target=others, daemon=True)
            other.start()
            other.join(PATIENCE)
            assert not other.is_alive(), interrupter.where
            if not interrupter.where:
                break
            at += 1
    assert at > 10
