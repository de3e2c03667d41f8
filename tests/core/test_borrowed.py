"""Waiting in a caller's thread."""

from __future__ import annotations

import socket
import time

from ncwire.borrowed import Borrowed
from ncwire.driver import Readiness


def test_a_hang_up_ends_no_wait_for_nothing():
    ours, theirs = socket.socketpair()
    borrowed = Borrowed()
    assert borrowed.take()
    borrowed.wait(ours.fileno(), Readiness.READ, 0)
    theirs.close()
    began = time.monotonic()
    borrowed.wait(ours.fileno(), Readiness.NONE, 0.05)
    assert time.monotonic() - began >= 0.05
    borrowed.wait(ours.fileno(), Readiness.READ, 20)
    borrowed.give_back()
    borrowed.close()
    ours.close()
