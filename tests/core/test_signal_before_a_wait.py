"""A signal that comes in the last moment before a wait is handled soon all the same."""

from __future__ import annotations

from callers import CLIENT, asked

from ncwire import Hub, Session
from ncwire.callhome import Device, listen
from sleeping_caller import LONG, SleepingCaller

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJq5e5wORkrX/2OXoRssJpaoJaf32FsUF3zy11fpcABk"


def test_while_rpc_serves_the_connection(peer, session):
    caller = SleepingCaller(lambda: session.rpc("<get/>", timeout=LONG))
    asked(peer)
    assert caller.is_interrupted()
    assert session.connected


def test_while_rpc_waits_for_who_serves_the_connection(peer, session):
    first = SleepingCaller(lambda: session.rpc("<get/>", timeout=LONG))
    asked(peer)
    second = SleepingCaller(lambda: session.rpc("<get/>", timeout=LONG))
    asked(peer)
    assert second.is_interrupted()
    assert first.is_interrupted()


def test_while_rpc_waits_on_a_hub(peer):
    with Hub() as hub, Session(CLIENT, hub=hub) as session:
        peer.hello()
        session.open(peer.channel)
        peer.receive()
        caller = SleepingCaller(lambda: session.rpc("<get/>", timeout=LONG))
        asked(peer)
        assert caller.is_interrupted()


def test_while_send_waits_for_room(opened):
    session = opened(rpc=LONG)
    session.send(f"<x>{'x' * 2_000_000}</x>")  # of which the peer reads nothing
    assert SleepingCaller(lambda: session.send("<late/>")).is_interrupted()


def test_while_a_message_in_pieces_waits_for_room(opened):
    session = opened(rpc=LONG)
    pieces = [b"<x>", *[b"x" * 100_000] * 40, b"</x>"]
    assert SleepingCaller(lambda: session.send(iter(pieces))).is_interrupted()


def test_while_a_reader_waits(session):
    reader = session.notifications()
    assert SleepingCaller(lambda: reader.get(timeout=LONG)).is_interrupted()
    assert SleepingCaller(reader.get).is_interrupted()


def test_while_a_listener_waits():
    with listen([Device(name="r1", host_keys=KEY)], port=0) as listener:
        assert SleepingCaller(lambda: listener.accept(timeout=LONG)).is_interrupted()
        assert SleepingCaller(listener.accept).is_interrupted()
