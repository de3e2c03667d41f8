"""Waiting in a caller's thread."""

from __future__ import annotations

import os
import resource
import select
import socket
import threading
from pathlib import Path

import pytest

from ncwire._engine.leader import Borrowed
from ncwire._engine.poller import READ, best_poller
from ncwire._session.pending import Answer

if not hasattr(select, "epoll"):
    pytest.skip("the platform has no epoll", allow_module_level=True)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def nothing():
    """Stand in for a pump that is not there."""


def test_another_thread_wakes_the_one_that_waits(pair):
    borrowed = Borrowed(pair[0].fileno(), nothing)
    assert borrowed.take(Answer())
    waker = threading.Thread(target=borrowed.wake)
    waker.start()
    borrowed.wait(600)
    waker.join()
    borrowed.give_back()
    borrowed.close()


def test_the_longest_wait_that_a_caller_can_think_of_is_no_error(pair):
    ours, theirs = pair
    borrowed = Borrowed(ours.fileno(), nothing)
    theirs.send(b"x")
    assert borrowed.take(Answer())
    borrowed.wait(1e12)
    borrowed.give_back()
    borrowed.close()


def test_only_one_thread_has_it(pair):
    borrowed = Borrowed(pair[0].fileno(), nothing)
    assert borrowed.take(Answer())
    assert not borrowed.take(Answer())
    borrowed.give_back()
    assert borrowed.take(Answer())
    borrowed.give_back()
    borrowed.close()
    assert not borrowed.take(Answer())


def test_it_cannot_be_taken_when_the_fd_is_closed(pair):
    fd = os.dup2(pair[0].fileno(), 900)  # a number that nothing gets by itself
    borrowed = Borrowed(fd, nothing)
    os.close(fd)
    before = fds()
    assert not borrowed.take(Answer())
    assert fds() == before
    borrowed.close()


def test_it_cannot_be_taken_when_the_process_has_no_fd_left(pair):
    borrowed = Borrowed(pair[0].fileno(), nothing)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for spare in range(3):
        free = [os.dup(0) for _ in range(spare + 1)]
        for fd in free:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], limits[1]))
        taken = borrowed.take(Answer())
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert taken == (spare == 2)  # it needs two
    borrowed.give_back()
    borrowed.close()


def test_the_pump_is_told_only_while_nobody_waits(pair):
    ours, theirs = pair
    pump = best_poller(exclusive=True)
    pump.watch(ours.fileno(), READ)
    borrowed = Borrowed(ours.fileno(), lambda: pump.watch(ours.fileno(), READ))
    told: list[list[tuple[int, int]]] = []
    waiting = threading.Thread(target=lambda: told.append(pump.wait(600)))
    waiting.start()
    assert borrowed.take(Answer())
    for _ in range(100):
        # Sent while this thread waits, as far as anybody can tell: it reads it either way.
        sender = threading.Thread(target=theirs.send, args=(b"x",))
        sender.start()
        borrowed.wait(600)
        ours.recv(1)
        sender.join()
    borrowed.give_back()
    borrowed.close()
    theirs.send(b"y")
    waiting.join()
    assert told == [[(ours.fileno(), READ)]]
    pump.close()


def test_what_several_cannot_wait_for_in_turn_all_are_told_of():
    """An epoll is such an fd, and may be what a driver's library watches."""
    inner = select.epoll()
    ours, theirs = socket.socketpair()
    inner.register(ours, READ)
    pump = best_poller(exclusive=True)
    pump.watch(inner.fileno(), READ)
    borrowed = Borrowed(inner.fileno(), lambda: pump.watch(inner.fileno(), READ))
    assert borrowed.take(Answer())
    theirs.send(b"x")
    borrowed.wait(600)
    assert pump.wait(600) == [(inner.fileno(), READ)]
    borrowed.give_back()
    borrowed.close()
    for each in (pump, inner, ours, theirs):
        each.close()
