"""A caller that waits for a reply serves the connection itself, and no other notices."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest
from callers import BASE, CLIENT, NOTIFICATION, Noting, asked, until_polling

import ncwire
from ncwire import Session
from ncwire.errors import NcwireError, RPCTimeoutError, SessionCloseError
from servers.stream_server import unix_server

END = b"]]>]]>"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>{CLIENT[0]}</capability></capabilities>'
    "<session-id>1</session-id></hello>"
).encode() + END
REPLY = f'<rpc-reply message-id="%b" xmlns="{BASE}"><ok/></rpc-reply>'.encode() + END


def test_listeners_are_called_on_the_sessions_thread_and_in_order(peer, session):
    listener = Noting()
    session.add_listener(listener)

    def play():
        for n in range(50):
            message_id = asked(peer)
            peer.send(NOTIFICATION.format(n))
            peer.reply(message_id)

    peer.script(play)
    for _ in range(50):
        session.rpc("<get/>")
    listener.wait(100)
    told = [raw for raw in listener.messages if "notification" in raw]
    assert told == [NOTIFICATION.format(n) for n in range(50)]
    assert listener.threads == {session}


def test_a_listener_hears_while_a_caller_waits_for_its_reply(peer, session):
    listener = Noting()
    session.add_listener(listener)
    thread = threading.Thread(target=session.rpc, args=("<slow/>", 60))
    thread.start()
    message_id = asked(peer)
    until_polling(thread)
    peer.send(NOTIFICATION.format("now"))
    listener.wait(1)
    assert thread.is_alive()
    peer.reply(message_id)
    thread.join(20)


def test_a_listener_may_wait_for_what_the_caller_holds(peer, session):
    """The caller's thread runs no listener, or the two would wait for each other."""
    lock = threading.Lock()

    class Locking(Noting):
        def callback(self, root, raw):
            with lock:
                super().callback(root, raw)

    listener = Locking()
    session.add_listener(listener)
    peer.script(lambda: [peer.send(NOTIFICATION.format(0)), peer.reply(asked(peer))])
    with lock:
        session.rpc("<get/>")
    listener.wait(2)


def test_callbacks_of_a_future_run_on_the_sessions_thread(peer, session):
    threads = []
    called = threading.Event()
    future = session.submit("<first/>")
    future.add_done_callback(lambda _: (threads.append(threading.current_thread()), called.set()))
    first = asked(peer)
    peer.script(lambda: [peer.reply(first), peer.reply(asked(peer))])
    session.rpc("<second/>")
    assert called.wait(20)
    assert threads == [session]


def test_a_reader_has_what_came_before_the_reply(peer, session):
    reader = session.notifications()
    peer.script(lambda: [peer.send(NOTIFICATION.format(1)), peer.reply(asked(peer))])
    session.rpc("<get/>")
    assert reader.get(timeout=0).raw == NOTIFICATION.format(1)


@pytest.fixture
def held(peer, session):
    """Return a listener of the ordinary kind, which is in the middle of a callback."""
    listener = Held()
    session.add_listener(listener)
    peer.send(NOTIFICATION.format("held"))
    assert listener.entered.wait(20)
    yield listener
    listener.release.set()


class Held(Noting):
    def __init__(self):
        super().__init__()
        self.entered = threading.Event()
        self.release = threading.Event()

    def callback(self, root, raw):
        self.entered.set()
        assert self.release.wait(20)
        super().callback(root, raw)


def test_a_reader_has_what_came_before_the_reply_whatever_other_listeners_do(peer, session, held):
    reader = session.notifications()
    told = [NOTIFICATION.format(n) for n in range(5)]
    peer.script(lambda: [*map(peer.send, told), peer.reply(asked(peer))])
    session.rpc("<get/>")
    assert reader.received == 5
    assert [reader.get(timeout=0).raw for _ in told] == told
    held.release.set()
    held.wait(7)  # the one that it was held at, those, and the reply
    assert held.messages[1:6] == told
    assert reader.received == 5  # each once


def test_a_reader_hears_of_nothing_that_came_before_it_was_made(peer, session, held):
    peer.script(lambda: [peer.send(NOTIFICATION.format(1)), peer.reply(asked(peer))])
    session.rpc("<get/>")  # the notification waits for the listener now
    reader = session.notifications()
    held.release.set()
    held.wait(3)
    assert reader.received == 0


def test_a_reader_beside_a_listener_misses_none_in_many_rpcs(peer, session):
    reader, listener = session.notifications(), Noting()
    session.add_listener(listener)

    def play():
        for n in range(300):
            message_id = asked(peer)
            peer.send(NOTIFICATION.format(n))
            peer.reply(message_id)

    peer.script(play)
    had = []
    for _ in range(300):
        session.rpc("<get/>")
        had.append(reader.received)
    assert had == list(range(1, 301))
    listener.wait(600)


def test_several_callers_at_once_each_get_their_own_reply(peer, session):
    callers, calls = 8, 40

    def play():
        for _ in range(callers * calls):
            request = peer.receive()
            body = request.partition(">")[2].removesuffix("</rpc>")
            peer.reply(request.split('message-id="')[1].split('"')[0], body)

    got = []

    def call(caller):
        for n in range(calls):
            operation = f"<n{caller}-{n}/>"
            got.append(operation in session.rpc(operation).raw)

    peer.script(play)
    threads = [threading.Thread(target=call, args=[n]) for n in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert got == [True] * (callers * calls)


def failing(session, operation="<get/>"):
    """Call in a thread of its own; return it and where its error will be."""
    errors = []

    def call():
        try:
            session.rpc(operation, timeout=60)
        except NcwireError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    return thread, errors


def test_close_wakes_callers_that_serve_and_that_wait(peer, session):
    calls = [failing(session) for _ in range(3)]
    for _ in calls:
        peer.receive()
    session.close()
    for thread, errors in calls:
        thread.join(20)
        assert isinstance(errors[0], SessionCloseError)
        assert errors[0].closed_by == "us"


def test_the_peers_end_wakes_the_caller_with_its_cause(peer, session):
    peer.script(lambda: [peer.receive(), peer.hang_up()])
    with pytest.raises(SessionCloseError, match="closed by the peer"):
        session.rpc("<get/>")
    assert session.cause.closed_by == "peer"
    session.join(20)
    assert not session.is_alive()


def test_after_a_call_the_session_hears_on(peer, session):
    listener = Noting()
    session.add_listener(listener)
    peer.script(lambda: peer.reply(asked(peer)))
    session.rpc("<get/>")
    listener.wait(1)
    peer.send(NOTIFICATION.format("later"))
    listener.wait(1)
    peer.hang_up()
    session.join(20)
    assert len(listener.errors) == 1


def test_a_caller_does_not_read_on_while_listeners_lag_far_behind(peer, session):
    """What it read would have to be kept: memory is bounded by the peer's patience."""
    go_on = threading.Event()

    class Slow(Noting):
        def callback(self, root, raw):
            assert go_on.wait(60)
            super().callback(root, raw)

    listener = Slow()
    session.add_listener(listener)
    many = 40_000

    def play():
        message_id = asked(peer)
        for n in range(many):
            peer.send(NOTIFICATION.format(n))
        peer.reply(message_id)

    peer.script(play)
    with pytest.raises(RPCTimeoutError):
        session.rpc("<get/>", timeout=0.5)
    go_on.set()
    listener.wait(many + 1)


def test_a_large_request_goes_out_while_the_caller_serves(peer, session):
    text = "x" * 20_000_000
    peer.script(lambda: peer.reply(None, f"<n>{len(peer.receive())}</n>"))
    assert "<n>200000" in session.rpc(f"<put>{text}</put>").raw


def switches(thread) -> int:
    """Return how often a thread has gone to sleep (proc(5))."""
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])


def test_the_sessions_thread_sleeps_while_a_caller_waits(peer, session):
    def play():
        for _ in range(100):
            message_id = asked(peer)
            until_polling(threading.main_thread())
            peer.reply(message_id)

    peer.script(lambda: peer.reply(asked(peer)))
    session.rpc("<get/>")  # the first makes what it waits with
    until_polling(session)
    before = switches(session)
    peer.script(play)
    for _ in range(100):
        session.rpc("<get/>")
    assert switches(session) == before


def fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_fd_is_left_of_a_session_that_callers_served(peer):
    before = fds()  # the peer's end and the channel are open
    session = Session(CLIENT)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    peer.script(lambda: [peer.reply(asked(peer)) for _ in range(3)])
    for _ in range(3):
        session.rpc("<get/>")
    waiting, _ = failing(session)
    peer.receive()
    session.close()
    waiting.join(20)
    assert fds() == before - 1  # the channel's


def test_a_timeout_is_kept_while_others_keep_the_connection_busy(peer, session):
    first = threading.Event()

    def play():
        slow = asked(peer)
        first.set()
        while (request := peer.receive()) and "<stop/>" not in request:
            peer.reply(request.split('message-id="')[1].split('"')[0])
        peer.reply(slow)

    peer.script(play)
    slow, errors = failing(session, "<slow/>")
    assert first.wait(20)
    began = time.monotonic()
    while time.monotonic() - began < 0.2:
        session.rpc("<get/>")
    with pytest.raises(RPCTimeoutError):
        session.rpc("<stop/>", timeout=0.1)
    slow.join(20)
    assert errors == []


@pytest.mark.parametrize("round_", range(20))
def test_an_end_that_comes_with_the_reply_is_noticed(tmp_path, round_):
    """The caller reads both, and is told of both at once; it may take the reply for the last."""

    def reply_and_end(stream):
        stream.send(HELLO)
        received = b""
        while received.count(END) < 2:
            received += stream.recv()
        message_id = re.search(rb'message-id="(\w+)"', received)[1]
        stream.send(REPLY % message_id)
        stream.close()
        while stream.recv():
            pass

    listener = Noting()
    with unix_server(str(tmp_path / "socket"), reply_and_end):
        session = ncwire.connect(f"netconf+unix://{tmp_path}/socket")
        session.add_listener(listener)
        assert "<ok/>" in session.rpc("<get/>", 20).raw
        session.join(20)
        assert not session.is_alive()
    assert len(listener.errors) == 1
