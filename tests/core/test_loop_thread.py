"""`LoopThread`: one event loop for all connections of a driver."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from children import LIMIT, fork, in_child
from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire.driver import Deadline, LoopThread
from ncwire.errors import StepTimeoutError, TransportError
from waiting import eventually

PATIENCE = 20
NAME = "a driver's loop"
DRIVER = folder_of("ncwire.driver")


@pytest.fixture
def loop():
    before = fds()
    yield LoopThread(NAME)
    all_ended(before)


@pytest.fixture
def lease(loop):
    lease = loop.lease()
    yield lease
    lease.release()


def soon(seconds=PATIENCE):
    return Deadline.after(seconds, "a step")


def threads():
    return [each for each in threading.enumerate() if each.name == NAME]


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


def all_ended(before):
    gc.collect()
    eventually(lambda: not threads() and fds() == before, lambda: f"{threads()} {before} {fds()}")


async def thread():
    return threading.get_ident()


def in_thread(function):
    """Return what ends when a function has, in a thread of its own, and what it raised or gave."""
    results = []

    def run():
        try:
            results.append(function())
        except Exception as error:  # noqa: BLE001 - for the test
            results.append(error)

    running = threading.Thread(target=run)
    running.start()
    return running, results


class Held:
    """A coroutine that tells when it is in the middle, and how it has ended."""

    def __init__(self):
        self.begun, self.ended = threading.Event(), threading.Event()
        self.cancelled = False

    async def run(self):
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()


def test_all_share_a_thread_that_ends_with_the_last(loop):
    one, two = loop.lease(), loop.lease()
    assert one.call(soon(), thread) == two.call(soon(), thread) != threading.get_ident()
    (running,) = threads()
    one.release()
    assert two.call(soon(), thread) == running.ident
    two.release()
    two.release()
    running.join(PATIENCE)
    assert not running.is_alive()
    anew = loop.lease()
    anew.call(soon(), thread)
    anew.release()


def test_it_returns_and_raises_what_the_coroutine_does(lease):
    async def add(one, *, two):
        await asyncio.sleep(0)
        return one + two

    error = LookupError("none")

    async def fail():
        raise error

    assert lease.call(soon(), add, 1, two=2) == 3
    with pytest.raises(LookupError) as raised:
        lease.call(soon(), fail)
    assert raised.value is error
    assert lease.call(soon(), add, 1, two=2) == 3


def test_at_the_deadline_the_coroutine_is_cancelled(lease):
    held = Held()
    with pytest.raises(StepTimeoutError, match="a step"):
        lease.call(soon(0.05), held.run)
    assert not held.begun.is_set() or held.ended.wait(PATIENCE)
    assert lease.call(soon(), thread)


def test_abort_ends_the_call_under_way_and_each_later_one(loop, lease):
    held = Held()
    running, results = in_thread(lambda: lease.call(soon(), held.run))
    assert held.begun.wait(PATIENCE)
    lease.abort()
    running.join(PATIENCE)
    assert str(results[0]) == "aborted"
    assert held.ended.wait(PATIENCE)
    assert held.cancelled
    later = Held()
    with pytest.raises(TransportError, match="aborted"):
        lease.call(soon(), later.run)
    other = loop.lease()
    other.call(soon(), thread)
    assert not later.begun.is_set()
    other.release()


def test_what_is_queued_when_it_is_aborted_does_not_begin(loop, lease):
    busy, go = threading.Event(), threading.Event()
    other = loop.lease()
    other.post(lambda: (busy.set(), go.wait(PATIENCE)))
    assert busy.wait(PATIENCE)
    held = Held()
    running, results = in_thread(lambda: lease.call(soon(), held.run))
    lease.abort()  # before the call or after it: neither may begin
    running.join(PATIENCE)
    assert str(results[0]) == "aborted"
    go.set()
    other.call(soon(), thread)
    assert not held.begun.is_set()
    other.release()


@pytest.mark.parametrize("kind", KINDS)
def test_what_interrupts_the_wait_comes_out_and_cancels(lease, kind):
    main = threading.get_ident()
    held = Held()

    async def interrupt():
        signal.pthread_kill(main, signal.SIGUSR1)
        await held.run()

    def handler(_number, _frame):
        raise kind("now")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(kind, match="now"):
            lease.call(soon(), interrupt)
    finally:
        signal.signal(signal.SIGUSR1, before)
    # It may have been cancelled before it got so far as to be held.
    assert lease.call(soon(), thread)
    assert not held.begun.is_set() or held.cancelled


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_anywhere_leaves_nothing_and_breaks_nothing(kind):
    before = fds()
    loop = LoopThread(NAME)
    at, where = 1, "begins"
    while where:
        lease = None
        interrupter = Interrupter(at, [DRIVER])
        with raising(kind):
            try:
                with interrupter:
                    lease = loop.lease()
                    lease.call(soon(), thread)
            except kind:
                pass
        where = interrupter.where
        other = loop.lease()
        assert other.call(soon(), thread), where
        other.release()
        if lease is not None:
            lease.release()
        at += 1
    del lease, interrupter
    all_ended(before)
    assert at > 20


def test_ask_has_the_waiting_thread_answer_and_the_loop_serves_others(loop, lease):
    asked, answer = threading.Event(), threading.Event()

    def person(question):
        asked.set()
        assert answer.wait(PATIENCE)
        return question, threading.get_ident()

    async def converse():
        return await lease.ask(person, "who?"), threading.get_ident()

    running, results = in_thread(lambda: lease.call(soon(), converse))
    assert asked.wait(PATIENCE)
    other = loop.lease()
    assert other.call(soon(), thread) == threads()[0].ident
    other.release()
    answer.set()
    running.join(PATIENCE)
    (given, at) = results[0]
    assert given == ("who?", running.ident)
    assert at == threads()[0].ident


def test_what_is_asked_for_and_raises_comes_out_unchanged(lease):
    error = LookupError("nobody is there")
    held = Held()

    def person():
        raise error

    async def converse():
        try:
            await lease.ask(person)
        finally:
            held.ended.set()

    with pytest.raises(LookupError) as raised:
        lease.call(soon(), converse)
    assert raised.value is error
    assert held.ended.wait(PATIENCE)


def test_while_it_is_asked_abort_ends_the_call_when_the_answer_has_come(lease):
    def person():
        lease.abort()

    async def converse():
        await lease.ask(person)
        await asyncio.Event().wait()

    with pytest.raises(TransportError, match="aborted"):
        lease.call(soon(), converse)


def test_asking_with_nobody_waiting_and_waiting_for_itself_are_refused(lease):
    async def wait_for_itself():
        return lease.call(soon(), thread)

    with pytest.raises(RuntimeError, match="wait for itself"):
        lease.call(soon(), wait_for_itself)
    told = []

    async def ask():
        with pytest.raises(RuntimeError, match="no call") as raised:
            await lease.ask(print)
        told.append(raised.value)

    async def outlive():
        tasks.append(asyncio.ensure_future(later()))

    async def later():
        await go.wait()
        await ask()

    tasks, go = [], asyncio.Event()
    lease.call(soon(), outlive)
    lease.post(go.set)
    eventually(lambda: told)


def test_posts_come_in_order_on_the_loop(lease):
    seen = []
    for number in range(100):
        lease.post(seen.append, number)
    lease.call(soon(), thread)
    assert seen == list(range(100))


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
