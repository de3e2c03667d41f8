"""The paramiko driver's bell: the fd that tells that there is something to read."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading

import pytest

from ncwire_paramiko.wakeup import Bell

PATIENCE = 20


@pytest.fixture
def bell():
    bell = Bell()
    yield bell
    bell.close()


def is_readable(bell: Bell) -> bool:
    poll = select.poll()
    poll.register(bell.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def test_it_is_readable_from_the_ringing_to_the_hushing(bell):
    assert not is_readable(bell)
    bell.ring()
    assert is_readable(bell)
    assert bell.rung
    bell.hush()
    assert not is_readable(bell)
    assert not bell.rung


def test_ringing_twice_is_ringing_once(bell):
    bell.ring()
    bell.ring()
    bell.hush()
    assert not is_readable(bell)


def test_hushing_a_silent_bell_does_not_wait(bell):
    bell.hush()
    assert not is_readable(bell)


def test_nothing_is_written_to_whatever_got_the_fds_of_a_closed_bell(bell):
    bell.close()
    receiver, sender = os.pipe()
    try:
        bell.ring()
        bell.close()
        os.set_blocking(receiver, False)
        with pytest.raises(BlockingIOError):
            os.read(receiver, 1)
    finally:
        os.close(receiver)
        os.close(sender)


def test_a_bell_that_is_dropped_leaves_no_fd():
    bell = Bell()
    fd = bell.fileno()
    del bell
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_forked_child_leaves_the_parents_pipe_alone():
    script = """if True:
        import os, select
        from ncwire_paramiko.wakeup import Bell
        bell = Bell()
        pid = os.fork()
        if pid == 0:
            bell.ring()
            bell.close()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        poll = select.poll()
        poll.register(bell.fileno(), select.POLLIN)
        assert not poll.poll(0)
    """
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)


def test_no_message_is_missed_between_two_threads(bell):
    # One thread adds and rings only a bell that is silent, as paramiko's does; the other hushes
    # it, and looks again.
    count = 20_000
    added = taken = 0

    def add() -> None:
        nonlocal added
        for _ in range(count):
            added += 1
            if not bell.rung:
                bell.ring()

    adder = threading.Thread(target=add)
    poll = select.poll()
    poll.register(bell.fileno(), select.POLLIN)
    adder.start()
    while taken < count:
        if taken == added:
            bell.hush()
        if taken == added:
            assert poll.poll(PATIENCE * 1000)
        taken = added
    adder.join(PATIENCE)
