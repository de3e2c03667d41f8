"""What the user's code raises, of any kind, stays there: its session and all others live."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import threading

import pytest
from callers import CLIENT, NOTIFICATION, Noting, asked, until_polling

from ncwire import Hub, Session
from ncwire.errors import SessionCloseError, SessionError
from ncwire.testing.memory import MemoryChannel


class GreenletExit(BaseException):
    """As greenlets raise it."""


KINDS = [
    SystemExit,
    KeyboardInterrupt,
    asyncio.CancelledError,
    pytest.fail.Exception,
    GreenletExit,
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["of its own", "a hub's"])
def hub(request):
    hub = Hub() if request.param else None
    yield hub
    if hub is not None:
        hub.close()


@pytest.fixture
def pair(make_peer, hub):
    """Return two peers and their sessions, which a hub serves both or none."""
    both = []
    for _ in range(2):
        peer = make_peer()
        session = Session(CLIENT, hub=hub)
        peer.hello()
        session.open(peer.channel)
        peer.receive()
        both.append((peer, session))
    yield both
    for _, session in both:
        session.close()


def lives(peer, session):
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get/>", timeout=20).raw
    assert session.connected


def raising(kind):
    def function(*_):
        raise kind("the user's own")

    return function


class Raising(Noting):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def callback(self, root, raw):
        super().callback(root, raw)
        raise self.kind("the user's own")

    def errback(self, ex):
        super().errback(ex)
        raise self.kind("the user's own")


def test_in_a_listener(pair, kind, caplog):
    (peer, session), (neighbour, other) = pair
    listener, after = Raising(kind), Noting()
    session.add_listener(listener)
    session.add_listener(after)
    peer.send(NOTIFICATION.format(1))
    after.wait(1)
    assert isinstance(listener.errors[0], kind)
    lives(peer, session)
    lives(neighbour, other)
    assert any(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


def test_in_a_done_callback(pair, kind):
    (peer, session), (neighbour, other) = pair
    called = threading.Semaphore(0)
    future = session.submit("<get/>")
    future.add_done_callback(raising(kind))
    future.add_done_callback(lambda _: called.release())
    peer.reply(asked(peer))
    assert called.acquire(timeout=20)
    assert "<ok/>" in future.result(20).raw
    if kind is not KeyboardInterrupt:  # which Ctrl-C could have raised in this thread
        future.add_done_callback(raising(kind))  # called here, for it is done
    lives(peer, session)
    lives(neighbour, other)


def test_in_what_request_calls(pair, kind):
    (peer, session), (neighbour, other) = pair
    session.request("<get/>", raising(kind), raising(kind))
    peer.reply(asked(peer))
    lives(peer, session)
    session.request("<get/>", raising(kind), raising(kind))
    peer.receive()
    lives(neighbour, other)
    peer.hang_up()
    session.join(20)
    assert isinstance(session.cause, SessionCloseError)
    lives(neighbour, other)


def test_in_an_errback_at_the_end(pair, kind):
    (peer, session), (neighbour, other) = pair
    listener, after = Raising(kind), Noting()
    session.add_listener(listener)
    session.add_listener(after)
    peer.hang_up()
    session.join(20)
    assert [type(each.errors[0]) for each in (listener, after)] == [SessionCloseError] * 2
    assert not session.connected
    lives(neighbour, other)


def test_listeners_that_compare_equal_all_hear(pair):
    class Alike(Noting):
        def __eq__(self, other):
            return True

        __hash__ = None

    (peer, session), _ = pair
    listeners = [Alike(), Alike()]
    for listener in listeners:
        session.add_listener(listener)
        session.add_listener(listener)
    peer.send(NOTIFICATION.format(1))
    for listener in listeners:
        listener.wait(1)
        assert len(listener.messages) == 1


def test_a_filter_of_the_log_that_raises_ends_nothing(pair, caplog):
    class Filter(logging.Filter):
        def filter(self, record):
            raise ValueError("the user's own")

    (peer, session), _ = pair
    caplog.set_level(logging.DEBUG)
    loggers = [logging.getLogger(f"ncwire.{name}") for name in ("conversation", "rpc")]
    added = Filter()
    for logger in loggers:
        logger.addFilter(added)
    try:
        peer.reply("of no rpc")
        peer.sock.sendall(NOTIFICATION.format("\xe4").encode("latin-1") + b"]]>]]>")
        lives(peer, session)
    finally:
        for logger in loggers:
            logger.removeFilter(added)
    assert session.unmatched_replies == 1


@pytest.mark.parametrize("call", ["rpc", "close_session"])
def test_an_error_of_ncwires_that_a_signal_handler_raises_comes_out(pair, call):
    class OwnError(SessionError):
        pass

    def handler(_number, _frame):
        raise OwnError("the program's")

    (peer, session), _ = pair
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        peer.script(
            lambda: (
                peer.receive(),
                until_polling(threading.main_thread(), "futex"),
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1),
            )
        )
        with pytest.raises(OwnError):
            session.rpc("<get/>", 60) if call == "rpc" else session.close_session(60)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert session.connected == (call == "rpc")


def test_an_exception_thrown_into_a_callers_thread_comes_out_of_its_call(pair):
    class StopError(Exception):
        pass

    (peer, session), _ = pair
    out = []

    def call():
        try:
            session.rpc("<get/>", timeout=60)
        except BaseException as error:  # noqa: BLE001 - whatever it is
            out.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    message_id = asked(peer)
    until_polling(thread, "futex")
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert throw(ctypes.c_ulong(thread.ident), ctypes.py_object(StopError)) == 1
    peer.reply(message_id)  # it wakes, and finds it
    thread.join(20)
    assert [type(error) for error in out] == [StopError]


def test_the_logs_handlers_are_the_users_code_too(pair):
    class Failing(logging.Handler):
        def handle(self, record):
            raise SystemExit("the user's own")

    (peer, session), (neighbour, other) = pair
    listener, after = Raising(ValueError), Noting()
    session.add_listener(listener)
    session.add_listener(after)
    failing = Failing()
    logger = logging.getLogger("ncwire._session.listeners")
    logger.addHandler(failing)
    try:
        peer.send(NOTIFICATION.format(1))
        after.wait(1)
        lives(peer, session)
        peer.hang_up()
        session.join(20)
    finally:
        logger.removeHandler(failing)
    assert len(after.errors) == 1
    lives(neighbour, other)


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
