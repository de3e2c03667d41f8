"""What the user's code raises, of any kind, stays there: its session and all others live."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import threading

import pytest
from callers import NOTIFICATION, Noting, asked, until_polling
from living import lives

from ncwire.errors import SessionCloseError, SessionError

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")


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
        def __init__(self):
            super().__init__()
            self.asked = set()

        def filter(self, record):
            self.asked.add(record.name)
            raise ValueError("the user's own")

    (peer, session), _ = pair
    caplog.set_level(logging.DEBUG)
    names = {f"ncwire._session.{name}" for name in ("messaging", "correlation")}
    loggers = [logging.getLogger(name) for name in names]
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
    assert added.asked == names
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
