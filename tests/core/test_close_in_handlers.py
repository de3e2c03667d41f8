"""`close` in a signal handler, which came while its own thread was somewhere in the session."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from callers import until_polling

import installed_ssh
import ncwire
from ncwire import Session, Timeouts
from ncwire._latch import Latch
from ncwire.errors import SessionCloseError

CLIENT = ["urn:ietf:params:netconf:base:1.0"]
BOUND = 15.0
"""Seconds: bounded is what is tested, and `Timeouts.close` is among what it may take."""

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")


@contextmanager
def handled(handler):
    """Have a function called as the handler of SIGUSR1; gives what sends it to this thread."""
    main = threading.main_thread()

    def send_signal():
        # One that comes just before it sleeps is handled only when it wakes (CPython 3.11).
        until_polling(main, "futex")
        signal.pthread_kill(main.ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: handler())
    try:
        yield send_signal
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_while_rpc_waits(peer, opened):
    session = opened(rpc=60)
    with handled(session.close) as send_signal:

        def play():
            peer.receive()
            send_signal()

        peer.script(play)
        began = time.monotonic()
        with pytest.raises(SessionCloseError, match="closed by us"):
            session.rpc("<get/>", 60)
        assert time.monotonic() - began < BOUND
    assert not session.connected
    session.join(20)
    assert not session.is_alive()


def test_while_open_waits_for_the_hello(peer):
    session = Session(CLIENT)
    with handled(session.close) as send_signal:

        def play():
            peer.receive()
            send_signal()

        peer.script(play)
        began = time.monotonic()
        with pytest.raises(SessionCloseError, match="closed by us"):
            session.open(peer.channel, timeouts=Timeouts(hello=60))
        assert time.monotonic() - began < BOUND
    session.join(20)
    assert not session.is_alive()


def test_while_close_waits(peer, opened):
    session = opened(close=2)
    closed = []

    def handler():
        session.close()
        closed.append(session.connected)

    with handled(handler) as send_signal:

        class Closes(ncwire.SessionListener):
            def callback(self, root, raw):
                pass

            def errback(self, ex):
                send_signal()

        session.add_listener(Closes())
        session.close()
        deadline = time.monotonic() + BOUND
        while not closed and time.monotonic() < deadline:
            pass
    assert closed == [False]


@pytest.mark.parametrize("driver", installed_ssh.EACH)
def test_while_a_driver_connects(driver, tmp_path):
    """To a server that says nothing: the main thread is in the middle of the driver's step."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = ncwire.SSHSession(driver=driver)

        def play():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-Silent\r\n")
                connection.recv(1)
                send_signal()
                with suppress(ConnectionError):  # a program that is killed leaves by a reset
                    while connection.recv(65536):
                        pass

        with handled(session.close) as send_signal:
            script = threading.Thread(target=play)
            script.start()
            began = time.monotonic()
            with pytest.raises(SessionCloseError, match="closed by us"):
                session.connect(
                    "127.0.0.1",
                    server.getsockname()[1],
                    timeout=60,
                    username="admin",
                    password="x",
                    hostkey_verify=False,
                    allow_agent=False,
                    look_for_keys=False,
                )
            assert time.monotonic() - began < BOUND
            script.join(20)
    assert not session.connected
    assert session.cause.closed_by == "us"


def asks_for_ever(session):
    while True:
        session.rpc("<get/>", 60)


def test_at_any_moment_of_many_rpcs(make_peer):
    """Whatever bytecode it comes between: every call ends, and with the right cause."""
    chance = random.Random(7)
    for _ in range(20):
        peer = make_peer()
        session = Session(CLIENT)
        peer.hello()
        session.open(peer.channel, timeouts=Timeouts(close=1))
        peer.receive()

        def serve(peer=peer):
            try:
                while message := peer.receive():
                    peer.reply(message.split('message-id="')[1].split('"')[0])
            except OSError:
                pass

        peer.script(serve)
        before = signal.signal(signal.SIGALRM, lambda *_, session=session: session.close())
        began = time.monotonic()
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.001, 0.02))
            with pytest.raises(SessionCloseError, match="closed by us"):
                asks_for_ever(session)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert time.monotonic() - began < BOUND
        session.join(20)
        assert not session.is_alive()


def test_a_latch_is_set_by_the_handler_of_the_thread_that_waits_for_it():
    chance = random.Random(7)
    for _ in range(200):
        latch = Latch()
        before = signal.signal(signal.SIGALRM, lambda *_, latch=latch: latch.set())
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.002))
            while not latch.wait(0.0005):
                pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("many_switches")
def test_a_latch_wakes_all_that_wait():
    for _ in range(50):
        latch = Latch()
        woken = []
        threads = [
            threading.Thread(target=lambda latch=latch, woken=woken: woken.append(latch.wait(20)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        latch.set()
        for thread in threads:
            thread.join(20)
        assert woken == [True] * 8
    assert not Latch().wait(0)
