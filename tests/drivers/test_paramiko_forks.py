"""Paramiko's locks in a forked child: held by threads that do not exist there."""

from __future__ import annotations

import gc
import os
import threading

import pytest

import ncwire
from children import QUICK, in_child, refusal

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]


class Holder:
    """Holds locks in a thread of its own."""

    def __init__(self, *locks) -> None:
        self._held = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, args=[locks])

    def _hold(self, locks) -> None:
        for lock in locks:
            lock.acquire()
        self._held.set()
        self._over.wait(60)
        for lock in locks:
            lock.release()

    def __enter__(self) -> None:
        self._thread.start()
        assert self._held.wait(20)

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join(20)


def test_what_is_collected_in_the_child_waits_for_no_lock_of_a_thread_of_the_parents(sshd):
    session = ncwire.connect(
        sshd.host,
        port=sshd.port,
        username=sshd.user,
        key_filename=str(sshd.client_key),
        known_hosts=str(sshd.known_hosts),
        allow_agent=False,
        look_for_keys=False,
        driver="paramiko",
    )
    with session:
        transport = session.transport
        channel = transport.open_session()
        kept = [session, transport, channel]

        def child():
            nonlocal session, transport, channel

            def collect():
                nonlocal session, transport, channel
                kept[0].close()
                session = transport = channel = None
                kept.clear()
                gc.collect()

            return refusal(collect)

        locks = [transport.lock, transport.clear_to_send_lock, channel.lock]
        with Holder(*locks):
            raised, _, seconds = in_child(child)
        assert raised == ""
        assert seconds < QUICK
        assert session.rpc("<get/>", 60).raw
        channel.close()
