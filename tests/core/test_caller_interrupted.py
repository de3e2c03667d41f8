"""A caller that is interrupted while it serves the connection: what the session is then."""

from __future__ import annotations

import signal
import threading

import pytest
from callers import CLIENT, NOTIFICATION, Noting, asked, until_polling

from ncwire import Session

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")


@pytest.fixture
def interruptible():
    """Have SIGINT interrupt, also in a run in the background, which starts with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_while_waiting_leaves_the_session_whole(interruptible, peer, session):
    given_up = []

    def interrupt():
        given_up.append(asked(peer))
        until_polling(threading.main_thread())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    peer.script(interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.rpc("<get/>")
    peer.script(lambda: [peer.reply(*given_up, "<late/>"), peer.reply(asked(peer), "<own/>")])
    assert "<own/>" in session.rpc("<get/>").raw


def test_what_came_with_an_interrupt_is_heard(interruptible, peer, session):
    """The kernel has told the caller of it, and no other thread."""

    class Hearing(Noting):
        def errback(self, ex):
            super().errback(ex)
            self.heard.release()

    listener = Hearing()
    session.add_listener(listener)

    def interrupt():
        peer.receive()
        until_polling(threading.main_thread())
        peer.send(NOTIFICATION.format(1))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    for _ in range(20):
        peer.script(interrupt)
        with pytest.raises(KeyboardInterrupt):
            session.rpc("<get/>")
        listener.wait(1)
        if listener.errors:  # it came a moment later, in the middle of the work: see below
            break
    else:
        assert len(listener.messages) == 20


def opened_over(channel, peer):
    """Return a session over the peer's channel, which is of this class from now on."""
    peer.channel.__class__ = channel
    session = Session(CLIENT)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    return session


def test_an_interrupt_in_the_middle_of_the_work_ends_the_session_with_that_cause(peer):
    """What was read or sent just then is uncertain: better no session than a wrong one."""

    class Interrupting(type(peer.channel)):
        def read(self, size):
            data = super().read(size)
            if threading.current_thread() is threading.main_thread() and data:
                raise KeyboardInterrupt
            return data

    session = opened_over(Interrupting, peer)

    def play():
        message_id = asked(peer)
        # The caller has borrowed the channel, and the session's thread is done with it.
        until_polling(threading.main_thread())
        until_polling(session)
        peer.reply(message_id)

    peer.script(play)
    with pytest.raises(KeyboardInterrupt):
        session.rpc("<get/>")
    session.join(20)
    assert "KeyboardInterrupt in the middle of an rpc" in str(session.cause)


@pytest.mark.parametrize("call", ["rpc", "send"])
def test_an_interrupt_while_sending_ends_the_session(peer, call):
    class Interrupting(type(peer.channel)):
        def write(self, data):
            taken = super().write(data)
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return taken

    session = opened_over(Interrupting, peer)
    until_polling(session)
    with pytest.raises(KeyboardInterrupt):
        getattr(session, call)("<get/>")
    session.join(20)
    assert "KeyboardInterrupt in the middle of an rpc" in str(session.cause)
