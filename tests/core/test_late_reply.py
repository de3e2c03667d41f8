"""A caller that sleeps is woken when its reply has come, no matter which thread has read it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

import pytest
from callers import asked, until_polling


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="the platform has no SCHED_IDLE")
@pytest.mark.parametrize("other", ["send", "rpc"])
def test_a_reply_that_another_callers_call_has_read_wakes_the_one_it_is_for(peer, session, other):
    """On one CPU, and with the sleeping thread at SCHED_IDLE, the other is first for certain."""
    cpus = os.sched_getaffinity(0)
    took = []

    def sleep_for_reply():
        began = time.monotonic()
        session.rpc("<get/>", timeout=60)
        took.append(time.monotonic() - began)

    sleeper = threading.Thread(target=sleep_for_reply)
    sleeper.start()
    first = asked(peer)
    until_polling(sleeper)
    try:
        for thread in (0, sleeper.native_id):
            os.sched_setaffinity(thread, {min(cpus)})
        os.sched_setscheduler(sleeper.native_id, os.SCHED_IDLE, os.sched_param(0))
        peer.reply(first)
        if other == "send":
            session.send("<x/>")
        else:
            peer.script(lambda: (peer.receive(), peer.reply(asked(peer))))
            session.send("<x/>")
            session.rpc("<get/>", timeout=60)
        with suppress(ProcessLookupError):  # it has ended already
            os.sched_setscheduler(sleeper.native_id, os.SCHED_OTHER, os.sched_param(0))
        sleeper.join()
    finally:
        os.sched_setaffinity(0, cpus)
    assert took[0] < 30


def test_many_callers_beside_senders_each_get_their_reply_when_it_comes(peer, session):
    callers, calls, limit = 6, 100, 60
    took, turns = [], threading.Semaphore(0)

    def call():
        for _ in range(calls):
            began = time.monotonic()
            turns.release(2)  # so that the others send while this one sleeps
            session.rpc("<get/>", timeout=limit)
            took.append(time.monotonic() - began)

    def send():
        for _ in range(callers * calls):
            turns.acquire()
            session.send("<x/>")

    peer.script(lambda: answer_all(peer))
    threads = [threading.Thread(target=work) for work in [call] * callers + [send] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == callers * calls
    assert max(took) < limit / 2


def answer_all(peer):
    while request := peer.receive():
        if "<get" in request:
            peer.reply(request.split('message-id="')[1].split('"')[0])
