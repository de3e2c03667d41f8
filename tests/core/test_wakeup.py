"""`Wakeup`: the fd by which one thread ends the wait of another."""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire.driver import Wakeup

PATIENCE = 20
DRIVER = folder_of("ncwire.driver")


@pytest.fixture(params=["eventfd", "pipe"])
def make(request, monkeypatch):
    """What makes them, on a system with eventfd(2) and on one without."""
    if request.param == "pipe":
        monkeypatch.delattr(os, "eventfd", raising=False)
    elif not hasattr(os, "eventfd"):
        pytest.skip("the system has no eventfd")
    return Wakeup


@pytest.fixture
def wakeup(make):
    each = make()
    yield each
    each.close()


def is_readable(wakeup: Wakeup) -> bool:
    poll = select.poll()
    poll.register(wakeup.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def fds() -> int:
    gc.collect()  # what earlier tests have left
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_is_readable_from_ringing_to_clearing(wakeup):
    assert not is_readable(wakeup)
    assert not wakeup.rung
    wakeup.ring()
    assert is_readable(wakeup)
    assert wakeup.rung
    wakeup.clear()
    assert not is_readable(wakeup)
    assert not wakeup.rung


def test_ringing_twice_is_ringing_once(wakeup):
    wakeup.ring()
    wakeup.ring()
    wakeup.clear()
    assert not is_readable(wakeup)


def test_clearing_what_is_not_rung_does_not_wait(wakeup):
    wakeup.clear()
    assert not is_readable(wakeup)
    wakeup.ring()
    assert is_readable(wakeup)


def test_it_ends_the_wait_of_another_thread(wakeup):
    with select.epoll() as epoll:
        epoll.register(wakeup, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        ringing = threading.Thread(target=wakeup.ring)
        ringing.start()
        assert epoll.poll(PATIENCE) == [(wakeup.fileno(), select.EPOLLIN)]
        ringing.join()


def test_a_closed_one_has_no_fd_and_does_nothing(make):
    before = fds()
    wakeup = make()
    assert fds() > before
    wakeup.close()
    assert fds() == before
    assert wakeup.fileno() == -1
    wakeup.close()
    receiver, sender = os.pipe()  # whose numbers were its own
    try:
        os.set_blocking(receiver, False)
        wakeup.ring()
        with pytest.raises(BlockingIOError):
            os.read(receiver, 1)
        os.write(sender, b"x")
        wakeup.clear()
        assert os.read(receiver, 10) == b"x"
    finally:
        os.close(receiver)
        os.close(sender)


def test_one_that_a_signal_handler_closes_while_it_is_rung_writes_into_nothing_else(make):
    before = fds()
    at, where = 1, "begins"
    while where:
        wakeup, opened = make(), []
        interrupter = Interrupter(
            at, [DRIVER], function="Wakeup.ring", act=partial(close_and_open, wakeup, opened)
        )
        with interrupter:
            wakeup.ring()
        where = interrupter.where
        for sock in opened:
            with pytest.raises(BlockingIOError):
                sock.recv(10)
        for sock in opened:
            sock.close()
        wakeup.close()
        assert fds() == before, where
        at += 1
    assert at > 2


def close_and_open(wakeup, opened, _number, _frame):
    """Close it, and have sockets with what were its numbers."""
    wakeup.close()
    for _ in range(2):
        opened.extend(socket.socketpair())
    for sock in opened:
        sock.setblocking(False)


def test_dropped_it_leaves_no_fd(make):
    before = fds()
    wakeup = make()
    wakeup.ring()
    del wakeup
    gc.collect()
    assert fds() == before


def test_without_an_fd_left_it_is_an_error_and_leaves_none(make):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = fds()
    free = os.dup(0)
    os.close(free)
    for spare in (0, 1):
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + spare, limits[1]))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                held = [make() for _ in range(2)]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert fds() == before
    assert "held" not in locals()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("method", ["ring", "clear"])
def test_it_works_on_after_an_interrupt_anywhere(make, kind, method):
    before = fds()
    at, where = 1, "begins"
    with raising(kind):
        while where:
            wakeup = make()
            if method == "clear":
                wakeup.ring()
            interrupter = Interrupter(at, [DRIVER], function=f"Wakeup.{method}")
            error = None
            try:
                with interrupter:
                    getattr(wakeup, method)()
            except KINDS as raised:
                error = raised
            where = interrupter.where
            assert (error is not None) == bool(where)
            assert is_readable(wakeup) or not wakeup.rung, f"{where}: it is silent for ever"
            wakeup.clear()
            assert not is_readable(wakeup), where
            wakeup.ring()
            assert is_readable(wakeup), where
            wakeup.close()
            assert fds() == before, f"{where}: the error keeps the fd"
            at += 1
    assert at > 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_interrupt_while_it_is_made_leaves_no_fd(make, kind):
    before = fds()
    at, where = 1, "begins"
    with raising(kind):
        while where:
            interrupter = Interrupter(at, [DRIVER])
            try:
                with interrupter:
                    make()
            except KINDS:
                pass
            where = interrupter.where
            assert fds() == before, where
            at += 1
    assert at > 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_neither_rings_the_parents_nor_clears_it():
    script = """if True:
        import os, select
        from ncwire.driver import Wakeup
        silent, rung = Wakeup(), Wakeup()
        rung.ring()
        pid = os.fork()
        if pid == 0:
            silent.ring()
            silent.close()
            rung.clear()
            rung.close()
            own = Wakeup()
            own.ring()
            own.clear()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        poll = select.poll()
        poll.register(silent, select.POLLIN)
        poll.register(rung, select.POLLIN)
        assert poll.poll(0) == [(rung.fileno(), select.POLLIN)]
    """
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)


def test_a_signal_handler_may_ring_it_while_it_is_waited_for(wakeup):
    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: wakeup.ring())
    try:
        poll = select.poll()
        poll.register(wakeup, select.POLLIN)
        main = threading.main_thread().ident
        killer = threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGUSR1))
        killer.start()
        assert poll.poll(PATIENCE * 1000)
        killer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_no_message_is_missed_between_two_threads(wakeup):
    # One thread adds and rings; the other clears it, and looks again.
    count = 20_000
    added = taken = 0

    def add() -> None:
        nonlocal added
        for _ in range(count):
            added += 1
            wakeup.ring()

    adder = threading.Thread(target=add)
    poll = select.poll()
    poll.register(wakeup.fileno(), select.POLLIN)
    adder.start()
    while taken < count:
        if taken == added:
            wakeup.clear()
        if taken == added:
            assert poll.poll(PATIENCE * 1000)
        taken = added
    adder.join(PATIENCE)
