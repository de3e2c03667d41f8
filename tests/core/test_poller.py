"""Pollers: both kinds tell the same."""

from __future__ import annotations

import os
import select
import socket
import threading
from contextlib import ExitStack
from functools import partial

import pytest
from callers import until_polling

from ncwire._engine.poller import READ, WRITE, EpollPoller, SelectorPoller

KINDS = [SelectorPoller]
if hasattr(select, "epoll"):
    KINDS += [EpollPoller, partial(EpollPoller, exclusive=True)]


@pytest.fixture(params=KINDS)
def poller(request):
    poller = request.param()
    yield poller
    poller.close()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_only_what_is_ready_is_told(poller, pair):
    ours, theirs = pair
    poller.watch(ours.fileno(), READ)
    assert poller.wait(0) == []
    theirs.send(b"x")
    assert [fd for fd, _ in poller.wait(5)] == [ours.fileno()]


def test_what_an_fd_is_watched_for_can_change(poller, pair):
    ours, _ = pair
    poller.watch(ours.fileno(), READ)
    poller.watch(ours.fileno(), READ | WRITE)
    assert [fd for fd, _ in poller.wait(5)] == [ours.fileno()]
    poller.watch(ours.fileno(), 0)
    assert poller.wait(0) == []


def test_a_forgotten_fd_is_not_told_of(poller, pair):
    ours, theirs = pair
    poller.watch(ours.fileno(), READ)
    theirs.send(b"x")
    poller.forget(ours.fileno())
    poller.forget(ours.fileno())
    assert poller.wait(0) == []


def test_watching_what_is_not_open_fails(poller, pair):
    ours, _ = pair
    fd = ours.fileno()
    ours.close()
    with pytest.raises(OSError, match="descriptor"):
        poller.watch(fd, READ)


def test_forgetting_what_was_closed_is_no_error(poller, pair):
    ours, _ = pair
    fd = ours.fileno()
    poller.watch(fd, READ)
    ours.close()
    poller.forget(fd)


def test_a_wait_without_a_limit_ends_with_the_first_event(poller, pair):
    ours, theirs = pair
    poller.watch(ours.fileno(), READ)
    sender = threading.Timer(0.01, theirs.send, [b"x"])
    sender.start()
    assert [fd for fd, _ in poller.wait(None)] == [ours.fileno()]
    sender.join()


def test_a_hang_up_of_what_is_watched_for_nothing_is_told_once_at_most(poller, pair):
    ours, theirs = pair
    poller.watch(ours.fileno(), READ)
    poller.watch(ours.fileno(), 0)
    theirs.close()
    poller.wait(0)
    assert poller.wait(0) == []
    poller.watch(ours.fileno(), READ)
    assert [fd for fd, _ in poller.wait(5)] == [ours.fileno()]


def test_there_is_no_limit_to_how_long_a_wait_may_be_asked_for(poller, pair):
    ours, theirs = pair
    poller.watch(ours.fileno(), READ)
    theirs.send(b"x")
    assert [fd for fd, _ in poller.wait(1e12)] == [ours.fileno()]


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_number_that_has_come_to_be_anothers_is_watched(exclusive):
    """Who frees an fd in another thread's place does not tell the poller first."""
    poller = EpollPoller(exclusive=exclusive)
    for _ in range(2):
        ours, theirs = socket.socketpair()
        fd = os.dup2(ours.fileno(), 901)  # a number that nothing gets by itself
        poller.watch(fd, READ)
        theirs.send(b"x")
        assert [each for each, _ in poller.wait(20)] == [fd]
        for sock in (ours, theirs):
            sock.close()
        os.close(fd)
    poller.close()


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="the platform has no epoll")
@pytest.mark.parametrize("over_tcp", [False, True])
def test_of_the_end_all_pollers_are_told_and_of_what_came_before_it_one(over_tcp, pair):
    """So who has read what came may leave, without a look whether the end has come, too."""
    with ExitStack() as stack:
        ours, theirs = pair
        if over_tcp:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            theirs = stack.enter_context(socket.create_connection(listener.getsockname()))
            ours = stack.enter_context(listener.accept()[0])
        first, second = EpollPoller(exclusive=True), EpollPoller(exclusive=True)
        stack.callback(first.close)
        stack.callback(second.close)
        told, ended = [], threading.Event()
        first.watch(ours.fileno(), READ)
        second.watch(ours.fileno(), READ)

        def wait_behind():
            told.extend(second.wait(20))
            ended.set()

        ahead = threading.Thread(target=first.wait, args=(20,))
        behind = threading.Thread(target=wait_behind)
        for thread in (ahead, behind):
            thread.start()
            until_polling(thread)
        theirs.send(b"x")
        ahead.join(20)
        assert not ended.is_set()
        theirs.shutdown(socket.SHUT_WR)
        behind.join(20)
        assert [fd for fd, _ in told] == [ours.fileno()]
