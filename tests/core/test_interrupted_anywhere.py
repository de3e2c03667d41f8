"""A call that is interrupted at any point whatever leaves a session that is open or has ended."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pytest
from callers import BASE, CLIENT, NOTIFICATION, Noting

from interrupting import KINDS, Interrupter, folder_of, handler, raising
from ncwire import Hub, Session, Timeouts
from ncwire.errors import NcwireError
from thoroughness import sampled

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")

CORE = folder_of("ncwire")


def answer_all(peer, answered):
    """Answer every rpc, with a notification before each, until the end."""
    with contextlib.suppress(OSError):
        while request := peer.receive():
            message_id = request.split('message-id="')[1].split('"')[0]
            reply = f'<rpc-reply xmlns="{BASE}" message-id="{message_id}"><ok/></rpc-reply>'
            peer.sock.sendall((NOTIFICATION.format(1) + "]]>]]>" + reply + "]]>]]>").encode())
            answered.release()


def rpc(session):
    session.rpc("<get/>", timeout=20)


def rpc_in_pieces(session):
    session.rpc([b"<a", b">" + b"x" * 2000, b"</a>"], timeout=20)


def send(session):
    session.send('<rpc message-id="s"><get/></rpc>')


def submit(session):
    session.submit("<get/>").result(20)


def stream(session):
    with session.stream("<get/>", timeout=20) as reply:
        reply.read()


def listen(session):
    with session.notifications():
        session.rpc("<get/>", timeout=20)


CALLS = [rpc, rpc_in_pieces, send, submit, stream, listen]


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


def one(make_peer, call, at, hub):
    """Interrupt a call at a point; return where that was, None if it has no such point."""
    peer = make_peer()
    session = Session(CLIENT, hub=hub)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    listener, answered = Hearing(), threading.Semaphore(0)
    session.add_listener(listener)
    peer.script(lambda: answer_all(peer, answered))
    session.rpc("<get/>")  # what the first call makes is made
    listener.wait(2)
    assert answered.acquire(timeout=20)
    interrupter = Interrupter(at, [CORE])
    raised = None
    try:
        with interrupter:
            call(session)
    except KINDS as error:
        if not interrupter.where:
            raise
        raised = type(error)
    assert raised is (handler.kind if interrupter.where else None), interrupter.where
    began = time.monotonic()
    # Only where the request went out; if that is seen too late, less is tested.
    if answered.acquire(timeout=0.01 if interrupter.where else 20):
        # With nothing coming after it.
        heard = listener.heard.acquire(timeout=20)
        assert heard, f"{interrupter.where}: a message waits, and no thread will deliver it"
    try:
        session.rpc("<get/>", timeout=20)
    except NcwireError:
        session.join(20)
        ended = f"{interrupter.where}: {session.cause}"
        assert handler.kind.__name__ in ended, ended
        assert not session.connected, ended
    # Another thread gets what it asks for, too, or the cause.
    caller = threading.Thread(target=_quietly, args=(session,))
    caller.start()
    caller.join(30)
    assert not caller.is_alive(), interrupter.where
    session.close_session(20)  # what was raised is not raised again
    assert time.monotonic() - began < 15, f"{interrupter.where}: something waited for its timeout"
    session.join(20)
    assert not session.is_alive(), interrupter.where
    peer.close()
    return interrupter.where or None


class Hearing(Noting):
    """Notes a message or the end, whichever comes."""

    def errback(self, ex):
        super().errback(ex)
        self.heard.release()


def _quietly(session):
    with contextlib.suppress(NcwireError):
        session.rpc("<get/>", timeout=20)


@pytest.fixture(
    params=[KINDS[0], pytest.param(KINDS[1], marks=pytest.mark.exhaustive)],
    ids=lambda kind: kind.__name__,
)
def kind(request):
    with raising(request.param):
        yield request.param


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@pytest.mark.parametrize(
    "shared",
    [False, pytest.param(True, marks=pytest.mark.exhaustive)],
    ids=["of its own", "a hub's"],
)
@sampled("every", 5, 1)
def test_a_call_interrupted_at_any_point(make_peer, kind, call, shared, every):
    hub = Hub() if shared else None
    one(make_peer, call, 10**9, hub)  # warm: what is made once is made
    before = fds()
    at = 1
    while one(make_peer, call, at, hub) is not None:
        at += every
    assert at > 30
    assert fds() <= before, "fds were leaked"
    if hub is not None:
        hub.close()


class Stuck(Noting):
    """Keeps the thread that serves the session, until it is let go."""

    def __init__(self):
        super().__init__()
        self.stuck, self.go_on = threading.Event(), threading.Event()

    def callback(self, root, raw):
        self.stuck.set()
        assert self.go_on.wait(60)


def opened(make_peer, hub):
    peer = make_peer()
    session = Session(CLIENT, hub=hub)
    peer.hello()
    session.open(peer.channel, timeouts=Timeouts(close=0.05))
    peer.receive()
    return peer, session


def ended_for_all(make_peer, at, function, *, stuck, hub=None):
    """Interrupt a close at a point; see that all are told once it is called again."""
    peer, session = opened(make_peer, hub)
    listener, told = Stuck(), []
    session.add_listener(listener)
    noisy, keeper = peer, listener
    if hub is not None:  # it is a neighbour's listener that keeps the thread
        noisy, neighbour = opened(make_peer, hub)
        keeper = Stuck()
        neighbour.add_listener(keeper)

    def wait():
        with pytest.raises(NcwireError) as caught:
            session.rpc("<get/>", timeout=60)
        told.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    peer.receive()
    if stuck:
        noisy.send(NOTIFICATION.format(1))
        assert keeper.stuck.wait(20)
    interrupter = Interrupter(at, [CORE], function=function)
    with contextlib.suppress(KINDS[0]), interrupter:
        session.close()
    keeper.go_on.set()
    if not stuck:
        session.close()
    waiting.join(20)
    session.join(20)
    assert not waiting.is_alive(), f"{interrupter.where}: a caller was not told"
    assert not session.is_alive(), interrupter.where
    assert session.cause.closed_by == "us", interrupter.where
    assert told == [session.cause], interrupter.where
    assert listener.errors == [session.cause], interrupter.where
    peer.close()
    noisy.close()
    return interrupter.where or None


def test_a_close_interrupted_at_any_point_tells_all_when_it_is_called_again(make_peer):
    with raising(KINDS[0]):
        at = 1
        while ended_for_all(make_peer, at, None, stuck=False) is not None:
            at += 1
    assert at > 30


@pytest.mark.parametrize("shared", [False, True], ids=["of its own", "a hub's"])
@pytest.mark.parametrize("function", ["Connection.abandon", "Connection._free", "Shutdown.free"])
def test_a_close_interrupted_while_a_listener_is_stuck_tells_all(make_peer, function, shared):
    """Where it frees the session itself: what it could not tell, the session's thread tells."""
    hub = Hub() if shared else None
    with raising(KINDS[0]):
        at = 1
        while ended_for_all(make_peer, at, function, stuck=True, hub=hub) is not None:
            at += 1
    assert at > 3
    if hub is not None:
        hub.close()
