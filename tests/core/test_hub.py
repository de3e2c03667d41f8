"""A hub: many sessions, one thread."""

from __future__ import annotations

import re
import string
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from ncwire import Hub, Session, SessionListener, Timeouts
from ncwire.errors import (
    HelloTimeoutError,
    OptionError,
    SessionCloseError,
    SessionError,
    TransportError,
)
from ncwire.testing.memory import MemoryChannel

CLIENT = ["urn:ietf:params:netconf:base:1.0"]


@pytest.fixture
def hub(make_peer):  # which is torn down after it
    with Hub() as hub:
        yield hub


def opened(hub, peer, **options) -> Session:
    session = Session(CLIENT, hub=hub)
    peer.hello()
    session.open(peer.channel, **options)
    peer.receive()
    return session


def serve(peer) -> None:
    """Answer every rpc until the end."""
    while request := received(peer):
        message_id = re.search(r'message-id="([^"]*)"', request)[1]
        number = message_id.lstrip(string.ascii_lowercase)
        peer.reply(message_id, f"<n>{number}</n>")


def received(peer) -> str:
    try:
        return peer.receive()
    except OSError:  # the test is over
        return ""


class Noting(SessionListener):
    def __init__(self):
        self.threads = set()
        self.causes = []
        self.ended = threading.Event()

    def callback(self, root, raw):
        self.threads.add(threading.current_thread())

    def errback(self, ex):
        self.causes.append(ex)
        self.ended.set()


def test_all_sessions_are_served_by_one_thread(hub, make_peer):
    before = threading.active_count()
    listener = Noting()
    sessions = []
    for _ in range(20):
        peer = make_peer()
        sessions.append(opened(hub, peer))
        sessions[-1].add_listener(listener)
        peer.script(lambda peer=peer: serve(peer))
    assert threading.active_count() == before + 20  # the peers' own
    futures = [session.submit("<get/>") for _ in range(5) for session in sessions]
    assert all("<n>" in future.result(20).raw for future in futures)
    assert all("<n>6</n>" in session.rpc("<get/>").raw for session in sessions)
    assert len(listener.threads) == 1
    assert len(hub) == 20


def test_closing_one_session_leaves_the_others(hub, make_peer):
    first, second = make_peer(), make_peer()
    sessions = [opened(hub, peer) for peer in (first, second)]
    assert sessions[0].is_alive()
    sessions[0].close()
    assert not sessions[0].is_alive()
    sessions[0].join(20)
    second.script(lambda: serve(second))
    assert "<n>1</n>" in sessions[1].rpc("<get/>").raw
    assert len(hub) == 1


def test_the_peers_end_ends_its_session_only(hub, make_peer):
    gone, stays = make_peer(), make_peer()
    listener = Noting()
    lost, kept = opened(hub, gone), opened(hub, stays)
    lost.add_listener(listener)
    gone.hang_up()
    assert listener.ended.wait(20)
    lost.join(20)
    assert lost.cause.closed_by == "peer"
    assert kept.connected
    assert len(hub) == 1


def test_closing_the_hub_ends_every_session_once(make_peer):
    hub = Hub()
    listener = Noting()
    sessions = [opened(hub, make_peer()) for _ in range(5)]
    for session in sessions:
        session.add_listener(listener)
    hub.close()
    hub.close()
    assert [str(cause) for cause in listener.causes] == [
        "session closed by us: the hub was closed"
    ] * 5
    assert not any(session.connected for session in sessions)
    assert len(hub) == 0


def test_a_closed_hub_takes_no_session_and_frees_its_channel(make_peer):
    hub = Hub()
    hub.close()
    peer = make_peer()
    with pytest.raises(TransportError, match="the hub is closed"):
        opened(hub, peer)
    assert peer.channel.fileno() == -1


class Refusing(MemoryChannel):
    """A channel that cannot be served, nor freed without a complaint."""

    def on_ready(self, wake):
        raise OSError("not to be served")

    def abort(self):
        super().abort()
        raise OSError("not to be freed")


@pytest.mark.parametrize("on_a_hub", [True, False])
def test_a_channel_that_cannot_be_served_leaves_nothing_and_is_what_is_told(hub, on_a_hub, caplog):
    channel, peer = Refusing.pair()
    session = Session(CLIENT, hub=hub if on_a_hub else None)
    with peer, pytest.raises(Exception, match="not to be served"):
        session.open(channel)
    assert len(hub) == 0
    assert channel.fileno() == -1
    assert "failed to free its channel" in caplog.text


def test_nothing_is_left_of_a_hub(make_peer):
    peer = make_peer()
    fds, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    with Hub() as hub:
        session = opened(hub, peer)
        peer.script(lambda: serve(peer))
        session.rpc("<get/>")
        session.close()
    peer.played()
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == fds - 1  # the channel's


def test_the_hub_can_be_closed_by_a_listener(make_peer):
    hub = Hub()
    peer = make_peer()

    class Closing(Noting):
        def callback(self, root, raw):
            hub.close()

    listener = Closing()
    session = opened(hub, peer)
    session.add_listener(listener)
    peer.send("<notification/>")
    assert listener.ended.wait(20)
    session.join(20)
    assert isinstance(session.cause, SessionCloseError)


def test_a_listener_cannot_wait_for_a_reply_on_the_hubs_thread(hub, make_peer):
    raised = []
    done = threading.Event()
    first, second = make_peer(), make_peer()
    other = opened(hub, second)

    class Calling(Noting):
        def callback(self, root, raw):
            try:
                other.rpc("<get/>")
            except SessionError as error:
                raised.append(str(error))
            done.set()

    session = opened(hub, first)
    session.add_listener(Calling())
    first.send("<notification/>")
    assert done.wait(20)
    assert "would wait for itself" in raised[0]


def test_one_that_floods_delays_no_other(hub, make_peer):
    flooding, calm = make_peer(), make_peer()
    flooded, session = opened(hub, flooding), opened(hub, calm)
    stop = threading.Event()
    document = f"<notification>{'x' * 100_000}</notification>"

    def flood():
        with suppress(OSError):  # the test is over
            while not stop.is_set():
                flooding.send(document)

    flooding.script(flood)
    calm.script(lambda: serve(calm))
    reader = flooded.notifications(maxsize=10)
    reader.get(20)
    for n in range(1, 101):
        assert f"<n>{n}</n>" in session.rpc("<get/>").raw
    assert reader.received > 0
    stop.set()


def test_a_late_hello_is_an_error_and_leaves_nothing(hub, make_peer):
    peer = make_peer()
    session = Session(CLIENT, hub=hub)
    with pytest.raises(HelloTimeoutError):
        session.open(peer.channel, timeouts=Timeouts(hello=0.05))
    assert len(hub) == 0


def test_a_target_needs_a_thread(hub):
    with pytest.raises(OptionError, match="a session on a hub has none"):
        Session(CLIENT, target=print, hub=hub)


def test_a_hub_tells_what_it_is(hub, make_peer):
    opened(hub, make_peer())
    assert repr(hub) == "<ncwire.Hub 'ncwire-hub': 1 sessions>"
    assert hub
    hub.close()
    assert hub.closed
    assert "closed" in repr(hub)
