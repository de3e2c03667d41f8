"""A forked child: what it inherits has ended, at once; the parent notices nothing."""

from __future__ import annotations

import gc
import os
import queue
import signal
import threading
from concurrent.futures import wait

import pytest
from callers import until_polling

from children import QUICK, Child, Forked, fork, in_child, living_child, refusal
from ncwire import Hub, Session, SessionListener, Timeouts
from ncwire.testing.memory import MemoryChannel

CLIENT = ["urn:ietf:params:netconf:base:1.0"]
OURS = "this process was forked"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


class Quiet(SessionListener):
    def __init__(self) -> None:
        self.errors = []

    def callback(self, root, raw):
        pass

    def errback(self, ex):
        self.errors.append(ex)


def answers(peer, session) -> None:
    """Show that the parent's session goes on as if nothing had been."""
    peer.script(lambda: peer.reply(answered(peer)))
    assert "ok" in session.rpc("<get/>", 20).raw
    peer.played()


def answered(peer) -> str:
    return peer.receive().split('message-id="')[1].split('"')[0]


def test_the_childs_copy_has_ended_with_a_cause_that_says_so(peer, opened):
    session = opened(rpc=60, close=60)
    parent = os.getpid()

    def child():
        calls = {
            "rpc": lambda: session.rpc("<get/>"),
            "stream": lambda: session.stream("<get/>"),
            "submit": lambda: session.submit("<get/>"),
            "send": lambda: session.send("<x/>"),
            "request": lambda: session.request("<get/>", print, print),
            "close_session": session.close_session,
            "close": session.close,
            "join": lambda: session.join(60),
        }
        state = session.connected, session.is_alive(), session.cause.closed_by
        return state, {name: refusal(call) for name, call in calls.items()}

    state, calls = in_child(child)
    assert state == (False, False, "fork")
    for name in ("rpc", "stream", "submit", "send", "request"):
        kind, text, _ = calls[name]
        assert kind == "SessionCloseError", name
        assert OURS in text
        assert str(parent) in text
    assert [calls[name][0] for name in ("close_session", "close", "join")] == ["", "", ""]
    assert max(seconds for _, _, seconds in calls.values()) < QUICK
    assert session.connected
    answers(peer, session)


def test_what_was_waited_for_ends_in_the_child(peer, opened):
    session = opened(rpc=60, close=60)
    reader = session.notifications()
    future = session.submit("<get/>")
    called = []
    future.add_done_callback(called.append)
    session.request("<get/>", called.append, called.append)
    peer.script(lambda: peer.sock.sendall(b'<rpc-reply message-id="x'))
    listener = Quiet()
    session.add_listener(listener)

    def child():
        late = Quiet()
        session.add_listener(late)
        return (
            refusal(reader.get),
            refusal(lambda: list(reader)),
            refusal(future.result),
            future.done(),
            len(wait([future], 60).done),
            called,
            listener.errors,
            [type(each).__name__ for each in late.errors],
        )

    got, listed, result, done, waited, called_back, told, told_late = in_child(child)
    for kind, text, seconds in (got, listed, result):
        assert kind == "SessionCloseError"
        assert OURS in text
        assert seconds < QUICK
    assert (done, waited) == (True, 1)
    # No code of the user's runs in the fork; who asks afterwards is told.
    assert called_back == []
    assert told == []
    assert told_late == ["SessionCloseError"]
    peer.played()


def test_a_stream_ends_in_the_child(peer, session):
    peer.script(
        lambda: peer.sock.sendall(
            b'<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="%s"><x>'
            % answered(peer).encode()
        )
    )
    stream = session.stream("<get/>")

    def child():
        came = next(stream, b"") + b""
        return came[:10], refusal(lambda: list(stream)), refusal(stream.close)

    came, read, closed = in_child(child)
    assert came == b"<rpc-reply"
    assert read[0] == "SessionCloseError"
    assert max(read[2], closed[2]) < QUICK
    peer.played()
    stream.close()


def test_a_hub_has_ended_in_the_child(peer, opened):
    session = opened()
    hub = Hub()

    def child():
        closing = refusal(hub.close)
        adding = refusal(lambda: Session(CLIENT, hub=hub).open(MemoryChannel.pair()[0]))
        return hub.closed, len(hub), closing, adding

    closed, served, closing, adding = in_child(child)
    assert (closed, served, closing[0]) == (True, 0, "")
    assert closing[2] < QUICK
    assert OURS in adding[1]
    assert not hub.closed
    answers(peer, session)
    hub.close()


def test_the_child_can_open_sessions_of_its_own(peer, make_peer, opened):
    session = opened()

    def child():
        other = make_peer()
        other.hello(session_id="9")
        mine = Session(CLIENT)
        mine.open(other.channel)
        other.receive()
        answers(other, mine)
        mine.close()
        with Hub() as hub:
            third = make_peer()
            third.hello(session_id="10")
            Session(CLIENT, hub=hub).open(third.channel)
        return mine.id

    assert in_child(child) == "9"
    answers(peer, session)


def test_a_session_that_was_not_open_yet_has_ended_too(peer):
    # A thread that was made before a fork cannot be started in the child (CPython 3.13).
    session = Session(CLIENT)
    refused, cause = in_child(lambda: (refusal(lambda: session.open(peer.channel)), session.cause))
    assert refused[0] == "TransportError"
    assert OURS in str(cause)
    assert session.cause is None
    peer.hello()
    session.open(peer.channel)
    assert session.connected
    session.close()


def test_the_childs_garbage_and_exit_leave_the_parent_alone(peer, opened):
    session = opened()
    pid = fork()
    if not pid:
        del session
        gc.collect()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    answers(peer, session)


def test_the_parents_end_reaches_the_peer_though_the_child_lives(peer, opened):
    session = opened()
    with living_child():
        session.close()
        assert peer.receive() == ""  # no copy of the socket keeps it open


def test_the_parents_poller_is_left_alone(peer, opened):
    session = opened()
    for _ in range(3):
        in_child(session.close)
    time_out = threading.Event()
    heard = Quiet()
    heard.callback = lambda root, raw: time_out.set()
    session.add_listener(heard)
    peer.send("<unasked-for/>")  # read by the loop's thread, which waits in that poller
    assert time_out.wait(20)


def test_a_fork_in_a_listener(peer, opened):
    session = opened()
    children = queue.SimpleQueue()

    class Forks(Quiet):
        def callback(self, root, raw):
            children.put(Child(lambda: refusal(lambda: session.rpc("<get/>"))))

    session.add_listener(Forks())
    peer.send("<unasked-for/>")
    peer.script(lambda: peer.reply(answered(peer)))
    assert "ok" in session.rpc("<get/>", 20).raw
    peer.played()
    assert children.get(timeout=20).result()[0] == "SessionCloseError"


RETURNS_FROM_THE_LISTENER = """
import os, sys, threading
from ncwire import Hub, Session, SessionListener
from ncwire.testing.memory import MemoryChannel

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
channel, peer = MemoryChannel.pair()
peer.sendall(f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
             '</capability></capabilities><session-id>7</session-id></hello>]]>]]>'.encode())
hub = Hub() if sys.argv[1] == "hub" else None
session = Session(["urn:ietf:params:netconf:base:1.0"], hub=hub)
session.open(channel)
forked = []
told = threading.Event()
class Forks(SessionListener):
    def callback(self, root, raw):
        forked.append(os.fork())
        told.set()
    def errback(self, ex): pass
session.add_listener(Forks())
peer.sendall(b"<unasked-for/>]]>]]>")
assert told.wait(20)
# In the child that thread is the only one: its end is the child's.
assert os.waitpid(forked[0], 0)[1] == 0
assert session.connected
peer.sendall(b'<rpc-reply xmlns="%s" message-id="1"><ok/></rpc-reply>]]>]]>' % BASE.encode())
session.close()
peer.close()
if hub: hub.close()
"""


@pytest.mark.parametrize("home", ["own", "hub"])
def test_a_child_that_returns_from_the_listener_ends(home, run_program):
    run_program(RETURNS_FROM_THE_LISTENER, home)


def test_a_fork_in_a_signal_handler_while_rpc_waits(peer, opened):
    session = opened(rpc=60)
    child = Forked()
    forked = threading.Event()

    def handler(*args):
        child.fork(*args)
        if child.pid:  # in the child its lock may be one of another thread's
            forked.set()

    main = threading.get_ident()

    def play():
        message_id = answered(peer)
        signal.pthread_kill(main, signal.SIGUSR1)
        assert forked.wait(20)
        peer.reply(message_id)

    peer.script(play)
    ended = None
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        session.rpc("<get/>", 60)
    except BaseException as error:  # noqa: BLE001 - the child's own, which goes no further
        ended = error
    finally:
        signal.signal(signal.SIGUSR1, before)
    child.tell(ended, session)
    assert ended is None
    assert not child.said()
    peer.played()


def test_a_fork_in_a_signal_handler_while_rpc_waits_for_the_channel(peer, opened):
    """Which another thread has, that is not in the child."""

    class Stuck(Quiet):
        anywhere = True

        def callback(self, root, raw):
            stuck.set()
            assert go_on.wait(60)

    session = opened(rpc=60)
    stuck, go_on, begun = threading.Event(), threading.Event(), threading.Event()
    child = Forked()

    def handler(*args):
        child.fork(*args)
        go_on.set()

    def play():
        assert begun.wait(20)
        until_polling(threading.main_thread(), "futex")
        signal.pthread_kill(main, signal.SIGUSR1)
        peer.reply(answered(peer))

    main = threading.get_ident()
    session.add_listener(Stuck())
    peer.send('<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>')
    assert stuck.wait(20)
    peer.script(play)
    before = signal.signal(signal.SIGUSR1, handler)
    ended = None
    try:
        begun.set()
        session.rpc("<get/>", 60)
    except BaseException as error:  # noqa: BLE001 - the child's own, which goes no further
        ended = error
    finally:
        signal.signal(signal.SIGUSR1, before)
    child.tell(ended, session)
    assert ended is None
    assert not child.said()
    peer.played()


@pytest.mark.usefixtures("many_switches")
def test_children_forked_among_busy_threads_end_at_once(peer, opened):
    session = opened(rpc=60, close=60)
    over = threading.Event()

    def serve():
        while message := peer.receive():
            peer.reply(message.split('message-id="')[1].split('"')[0])

    def work():
        while not over.is_set():
            session.rpc("<get/>", 60)

    peer.script(serve)
    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(25):
            calls = in_child(
                lambda: [refusal(lambda: session.rpc("<get/>")), refusal(session.close)]
            )
            assert [kind for kind, _, _ in calls] == ["SessionCloseError", ""]
            assert max(seconds for _, _, seconds in calls) < QUICK
    finally:
        over.set()
        for worker in workers:
            worker.join(60)
    assert session.connected
    session.close()
    peer.played()


def test_a_child_of_a_connect_under_way(peer):
    session = Session(CLIENT)
    peer.script(lambda: session.open(peer.channel, timeouts=Timeouts(hello=60)))
    peer.receive()  # the hello: it waits for ours

    def child():
        return session.connected, refusal(session.close), str(session.cause)

    connected, closing, cause = in_child(child)
    assert not connected
    assert closing[0] == ""
    assert closing[2] < QUICK
    assert OURS in cause
    peer.hello()
    peer.played()
    assert session.connected
    session.close()
