"""`LoopThread`: how a lease and the loop end, also in a forked child and with the interpreter."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import subprocess
import sys
import threading

import pytest
from loops import DRIVER, PATIENCE, Held, in_thread, soon, thread, threads

from children import LIMIT, fork, in_child
from interrupting import Interrupter
from ncwire.errors import TransportError


def test_a_dropped_lease_is_released(loop):
    lease = loop.lease()
    lease.call(soon(), thread)
    (running,) = threads()
    del lease
    gc.collect()
    running.join(PATIENCE)
    assert not running.is_alive()


def test_after_the_loop_s_end_a_lease_does_nothing(loop):
    lease = loop.lease()
    (running,) = threads()
    lease.release()
    running.join(PATIENCE)
    lease.post(print)
    with pytest.raises(TransportError, match="has ended"):
        lease.call(soon(), thread)
    lease.abort()


def test_a_task_that_is_left_is_cancelled_before_the_end(loop):
    lease = loop.lease()
    held, kept = Held(), []

    async def leave_one():
        kept.append(asyncio.ensure_future(held.run()))

    lease.call(soon(), leave_one)
    lease.release()
    assert held.ended.wait(PATIENCE)
    assert held.cancelled


def test_many_threads_that_come_and_go_lose_nothing(loop):
    def work():
        done = 0
        for number in range(100):
            lease = loop.lease()
            done += lease.call(soon(), asyncio.sleep, 0, number) == number
            lease.release()
        return done

    crews = [in_thread(work) for _ in range(6)]
    for running, results in crews:
        running.join(PATIENCE * 3)
        assert results == [100]


def test_a_child_starts_anew_and_the_parent_goes_on(loop, lease):
    here = lease.call(soon(), thread)

    def in_the_child():
        lease.post(print, "in the parent")
        with pytest.raises(TransportError, match="forked"):
            lease.call(soon(), thread)
        lease.release()
        anew = loop.lease()
        anew.call(soon(), thread)
        (running,) = [each for each in threads() if each.is_alive()]
        anew.release()
        running.join(PATIENCE)
        gc.collect()
        return running.is_alive()

    assert not in_child(in_the_child)
    assert lease.call(soon(), thread) == here


def test_a_call_under_way_ends_in_a_child_that_is_forked_meanwhile(loop, lease):
    """The child is forked by a signal handler, in the middle of the call, and goes on with it."""
    main = threading.get_ident()
    receiver, sender = os.pipe()
    over = asyncio.Event()
    other = loop.lease()
    pids = []

    async def interrupt():
        signal.pthread_kill(main, signal.SIGUSR1)
        await over.wait()
        return "in the parent"

    def handler(_number, _frame):
        pids.append(fork())
        if pids[0]:
            other.post(over.set)

    before = signal.signal(signal.SIGUSR1, handler)
    said = b"it has returned"
    try:
        result = lease.call(soon(), interrupt)
    except TransportError as error:
        result = None
        said = str(error).encode()
    finally:
        if pids == [0]:
            os.write(sender, said)
            os._exit(0)
        signal.signal(signal.SIGUSR1, before)
    assert result == "in the parent"
    other.release()
    os.close(sender)
    with os.fdopen(receiver, "rb") as pipe:
        assert b"forked" in pipe.read()
    os.waitpid(pids[0], 0)


def test_a_child_that_is_forked_while_the_loop_starts_does_not_hang(loop):
    """At each point at which a signal may come in our own code: Thread.start itself would hang."""
    at, where = 1, "begins"
    while where:
        forked = []
        interrupter = Interrupter(
            at, [DRIVER], act=lambda *_, forked=forked: forked.append(fork())
        )
        lease = None
        try:
            with interrupter:
                lease = loop.lease()
        except TransportError:
            pass
        if forked == [0]:
            signal.alarm(int(LIMIT))
            status = 1
            try:
                anew = loop.lease()
                status = 0 if anew.call(soon(), thread) else 2
            finally:
                os._exit(status)
        where = interrupter.where
        for pid in forked:
            assert os.waitpid(pid, 0)[1] == 0, where
        lease.release()
        for running in threads():
            running.join(PATIENCE)
        at += 1
    assert at > 5


def test_an_interpreter_that_ends_with_a_lease_is_silent():
    program = """
import asyncio
from ncwire.driver import Deadline, LoopThread
LOOP = LoopThread("a driver's loop")
lease = LOOP.lease()
lease.call(Deadline.after(20, "a step"), asyncio.sleep, 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_an_fd_left_it_is_an_error_of_ours(loop):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(TransportError, match="open files"):
            loop.lease()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    lease = loop.lease()
    assert lease.call(soon(), thread)
    lease.release()


def test_what_is_posted_and_raises_harms_no_other(lease, caplog):
    lease.post(lambda: 1 / 0)
    assert lease.call(soon(), thread)
    assert "what was posted failed" in caplog.text


def test_what_a_connection_ends_with_is_done_before_the_loop_ends(loop):
    done = []

    async def say_goodbye():
        await asyncio.sleep(0.05)
        done.append("goodbye")
        raise LookupError("nobody hears it")

    lease = loop.lease()
    (running,) = threads()
    lease.release(say_goodbye)
    running.join(PATIENCE)
    assert done == ["goodbye"]


def test_what_a_connection_ends_with_has_a_limit_though_others_go_on(loop, lease):
    held = Held()
    other = loop.lease()
    other.release(held.run)
    assert held.ended.wait(PATIENCE)
    assert held.cancelled
    assert lease.call(soon(), thread)
