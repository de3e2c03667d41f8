"""Waiting in a caller's thread."""

from __future__ import annotations

import os
import resource
import select
import socket
import threading
from pathlib import Path

import pytest

from ncwire._engine.leader import Leader
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
    """Stand in for a loop that is not there."""


def test_another_thread_wakes_the_one_that_waits(pair):
    leader = Leader(pair[0].fileno(), nothing)
    assert leader.take(Answer())
    waker = threading.Thread(target=leader.wake)
    waker.start()
    leader.wait(600)
    waker.join()
    leader.give_back()
    leader.close()


def test_the_longest_wait_that_a_caller_can_think_of_is_no_error(pair):
    ours, theirs = pair
    leader = Leader(ours.fileno(), nothing)
    theirs.send(b"x")
    assert leader.take(Answer())
    leader.wait(1e12)
    leader.give_back()
    leader.close()


def test_only_one_thread_has_it(pair):
    leader = Leader(pair[0].fileno(), nothing)
    assert leader.take(Answer())
    assert not leader.take(Answer())
    leader.give_back()
    assert leader.take(Answer())
    leader.give_back()
    leader.close()
    assert not leader.take(Answer())


def test_it_cannot_be_taken_when_the_fd_is_closed(pair):
    fd = os.dup2(pair[0].fileno(), 900)  # a number that nothing gets by itself
    leader = Leader(fd, nothing)
    os.close(fd)
    before = fds()
    assert not leader.take(Answer())
    assert fds() == before
    leader.close()


def test_it_cannot_be_taken_when_the_process_has_no_fd_left(pair):
    leader = Leader(pair[0].fileno(), nothing)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for spare in range(3):
        free = [os.dup(0) for _ in range(spare + 1)]
        for fd in free:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], limits[1]))
        taken = leader.take(Answer())
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert taken == (spare == 2)  # it needs two
    leader.give_back()
    leader.close()


def test_the_loop_is_told_only_while_no_caller_waits(pair):
    ours, theirs = pair
    loop = best_poller(exclusive=True)
    loop.watch(ours.fileno(), READ)
    leader = Leader(ours.fileno(), lambda: loop.watch(ours.fileno(), READ))
    told: list[list[tuple[int, int]]] = []
    waiting = threading.Thread(target=lambda: told.append(loop.wait(600)))
    waiting.start()
    assert leader.take(Answer())
    for _ in range(100):
        # Sent while this thread waits, as far as anybody can tell: it reads it either way.
        sender = threading.Thread(target=theirs.send, args=(b"x",))
        sender.start()
        leader.wait(600)
        ours.recv(1)
        sender.join()
    leader.give_back()
    leader.close()
    theirs.send(b"y")
    waiting.join()
    assert told == [[(ours.fileno(), READ)]]
    loop.close()


def test_what_several_cannot_wait_for_in_turn_all_are_told_of():
    """An epoll is such an fd, and may be what a driver's library watches."""
    inner = select.epoll()
    ours, theirs = socket.socketpair()
    inner.register(ours, READ)
    loop = best_poller(exclusive=True)
    loop.watch(inner.fileno(), READ)
    leader = Leader(inner.fileno(), lambda: loop.watch(inner.fileno(), READ))
    assert leader.take(Answer())
    theirs.send(b"x")
    leader.wait(600)
    assert loop.wait(600) == [(inner.fileno(), READ)]
    leader.give_back()
    leader.close()
    for each in (loop, inner, ours, theirs):
        each.close()
