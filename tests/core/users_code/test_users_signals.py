"""What a signal handler of the user's raises and calls, while a session is at work."""

from __future__ import annotations

import signal
import threading

import pytest
from callers import CLIENT, asked, until_polling
from living import lives

from ncwire import Session
from ncwire.errors import SessionCloseError, SessionError
from ncwire.testing.memory import MemoryChannel

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")


@pytest.fixture
def alarm():
    """Have SIGALRM raise a TimeoutError of the program's, as job runners do."""

    class LimitError(TimeoutError):
        pass

    def handler(_number, _frame):
        raise LimitError("the job's time is over")

    before = signal.signal(signal.SIGALRM, handler)
    yield LimitError
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("call", ["rpc", "stream", "close_session"])
def test_a_signal_handlers_exception_comes_out_of_the_call(pair, alarm, call):
    (peer, session), _ = pair
    peer.script(
        lambda: (
            peer.receive(),
            # On a hub the caller waits for the hub's thread.
            until_polling(threading.main_thread(), "futex"),
            signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM),
        )
    )
    if call == "close_session":
        with pytest.raises(alarm):
            session.close_session(timeout=60)
        return
    with pytest.raises(alarm):
        getattr(session, call)("<get/>", timeout=60)
    lives(peer, session)


def test_a_signal_handler_may_close_the_session_that_is_waited_for(pair):
    (peer, session), _ = pair
    before = signal.signal(signal.SIGUSR1, lambda *_: session.close())
    try:
        peer.script(
            lambda: (
                peer.receive(),
                until_polling(threading.main_thread(), "futex"),
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1),
            )
        )
        with pytest.raises(SessionCloseError) as caught:
            session.rpc("<get/>", timeout=60)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught.value.closed_by == "us"


def test_a_signal_handler_may_send_on_the_session_that_is_waited_for(pair):
    (peer, session), _ = pair
    before = signal.signal(signal.SIGUSR1, lambda *_: session.send("<from-handler/>"))
    received = []

    def play():
        message_id = asked(peer)
        until_polling(threading.main_thread(), "futex")
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        received.append(peer.receive())
        peer.reply(message_id)

    try:
        peer.script(play)
        session.rpc("<get/>", timeout=60)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert received == ["<from-handler/>"]


class Signalling(MemoryChannel):
    """Raises a signal in the middle of each write while it is `armed`."""

    armed = False

    def write(self, data):
        if self.armed:
            signal.raise_signal(signal.SIGUSR1)
        return super().write(data)


@pytest.fixture
def signalled(make_peer, pair, hub):
    """Return a peer and its session, whose channel can raise a signal; beside `pair`."""
    channel, sock = Signalling.pair()
    peer = make_peer()
    peer.close()
    peer.channel, peer.sock = channel, sock
    sock.settimeout(20)
    session = Session(CLIENT, hub=hub)
    peer.hello()
    session.open(channel)
    peer.receive()
    lives(peer, session)
    # The next write is then the caller's, not the one of a thread that is still busy.
    serving = session if hub is None else named(repr(hub).split("'")[1])
    until_polling(serving)
    yield peer, session
    channel.armed = False
    session.close()


def named(name):
    return next(thread for thread in threading.enumerate() if thread.name == name)


def on_signal(function):
    return signal.signal(signal.SIGUSR1, lambda *_: function())


def test_a_signal_handler_that_takes_long_in_the_middle_of_a_write_keeps_no_neighbour(
    pair, signalled
):
    peer, session = signalled
    thread = threading.Thread(target=lambda: lives(*pair[0]))

    def wait_for_a_neighbour():
        peer.channel.armed = False
        thread.start()
        thread.join(20)
        alive.append(thread.is_alive())

    alive = []
    before = on_signal(wait_for_a_neighbour)
    try:
        peer.channel.armed = True
        lives(peer, session)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert alive == [False]


def test_a_signal_handler_in_the_middle_of_a_write_may_send_and_close_and_not_wait(signalled):
    peer, session = signalled
    outcome = []

    def handle():
        peer.channel.armed = False
        session.send("<from-handler/>")
        try:
            session.rpc("<get/>", timeout=60)
        except SessionError as error:
            outcome.append(str(error))
        session.close()
        outcome.append(session.connected)

    before = on_signal(handle)
    try:
        peer.channel.armed = True
        with pytest.raises(SessionCloseError):
            session.rpc("<first/>", timeout=60)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "signal handler" in outcome[0]
    assert outcome[1] is False
    session.join(20)
    assert "<first/>" in peer.receive()
    assert peer.receive() == "<from-handler/>"
