"""`LoopThread`: the calls of all connections of a driver, and what interrupts them."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest
from loops import DRIVER, NAME, PATIENCE, Held, all_ended, fds, in_thread, soon, thread, threads

from interrupting import KINDS, Interrupter, raising
from ncwire.driver import LoopThread
from ncwire.errors import StepTimeoutError, TransportError
from waiting import eventually


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
