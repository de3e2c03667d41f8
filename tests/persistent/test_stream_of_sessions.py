"""Notifications of all sessions in one stream, with a mark where there was none."""

from __future__ import annotations

import threading

import pytest

from ncwire import Notification
from ncwire.errors import OptionError, SessionCloseError, StepTimeoutError
from ncwire.persistent import Gap, State
from ncwire.persistent.notifications import NotificationStream
from restarted_device import SUBSCRIBE, persistent
from waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_left")


def subscribe(session):
    session.rpc(SUBSCRIBE, 20, check=True)


def told(item):
    return item.raw.partition("<n>")[2].partition("</n>")[0]


def test_one_stream_over_all_sessions_with_a_gap_between(device, hub, changes):
    with (
        persistent(device, hub=hub, on_session=subscribe, on_change=changes) as keeper,
        keeper.notifications() as stream,
    ):
        keeper.session(20)
        device.notify("a")
        device.notify("b")
        assert [told(stream.get(20)) for _ in range(2)] == ["a", "b"]
        end = keeper.session()
        device.hang_up()
        changes.wait_for(State.UP, 2)
        device.notify("c")
        gap = stream.get(20)
        assert isinstance(gap, Gap)
        assert gap.cause is end.cause
        assert gap.since <= gap.until
        assert gap.since.tzinfo is not None
        assert told(stream.get(20)) == "c"
        assert (stream.received, stream.dropped) == (3, 0)
        assert stream.get(0, None) is None
        with pytest.raises(StepTimeoutError):
            stream.get(0.01)
        with pytest.raises(OptionError, match="timeout"):
            stream.get(-1)


def test_the_first_session_is_no_gap_and_each_stream_gets_all(device, hub):
    begun, go_on = threading.Event(), threading.Event()

    def prepare(session):
        begun.set()
        assert go_on.wait(20)
        subscribe(session)

    with persistent(device, hub=hub, on_session=prepare) as keeper:
        early = keeper.notifications()
        assert begun.wait(20)
        middle = keeper.notifications()
        go_on.set()
        keeper.session(20)
        late = keeper.notifications()
        assert device.notify("a") == 1
        for stream in (early, middle, late):
            assert told(stream.get(20)) == "a"
            assert stream.get(0, None) is None


def test_one_that_is_made_between_two_sessions_begins_with_a_gap(device, hub, changes):
    with persistent(device, hub=hub, on_session=subscribe, on_change=changes) as keeper:
        keeper.session(20)
        device.stop()
        changes.wait_for(State.WAITING)
        stream = keeper.notifications()
        device.start()
        assert isinstance(stream.get(20), Gap)


def test_attempts_that_fail_between_make_no_gaps_of_their_own(device, hub, changes):
    refuse = threading.Event()

    def prepare(session):
        if refuse.is_set():
            raise TimeoutError("not yet")
        subscribe(session)

    with (
        persistent(device, hub=hub, on_session=prepare, on_change=changes) as keeper,
        keeper.notifications() as stream,
    ):
        keeper.session(20)
        refuse.set()
        device.hang_up()
        changes.wait_for(State.WAITING, 4)
        refuse.clear()
        changes.wait_for(State.UP, 2)
        device.notify("a")
        assert isinstance(stream.get(20), Gap)
        assert told(stream.get(20)) == "a"


def test_it_ends_quietly_when_we_close_and_when_the_stream_is_closed(device, hub):
    keeper = persistent(device, hub=hub)
    session = keeper.session(20)
    first, second = keeper.notifications(), keeper.notifications()
    second.close()
    assert list(second) == []
    items = []
    reader = threading.Thread(target=lambda: items.extend(first))
    reader.start()
    keeper.close()
    reader.join(20)
    assert not reader.is_alive()
    assert items == []
    with pytest.raises(SessionCloseError):
        first.get(0)
    assert list(keeper.notifications()) == []
    assert not session.connected


def test_a_closed_stream_costs_its_session_nothing(device):
    with persistent(device, on_session=subscribe) as keeper:
        session = keeper.session(20)
        stream = keeper.notifications()
        stream.close()
        device.notify("a")
        session.rpc("<get/>", 20)
        assert stream.received == 0


def test_what_is_not_utf8_is_counted(device):
    with persistent(device, on_session=subscribe) as keeper:
        keeper.session(20)
        stream = keeper.notifications()
        device.notify_raw(b"\xff")
        eventually(lambda: stream.undecodable == 1)
        assert stream.get(0, None) is None


def test_a_full_queue_drops_the_oldest_but_no_gap():
    class Listened:
        def add_listener(self, listener):
            self.send = lambda text: listener.callback(("notification", {}), text)

        def remove_listener(self, listener):
            pass

    stream = NotificationStream(3, lambda _: None)
    for number in range(4):
        session = Listened()
        stream.listen(session)
        stream.listen(session)  # once is enough
        stream.is_in_order()
        for each in range(2):
            session.send(f"{number}{each}")
        stream.lose(Listened(), SessionCloseError(b"", reason="of another"))
        stream.lose(session, SessionCloseError(b"", reason=str(number)))
        stream.lose(session, SessionCloseError(b"", reason="once more"))
        session.send("of a session that has ended")
    items = []
    while (item := stream.get(0, None)) is not None:
        items.append(item)
    assert [type(each) for each in items] == [Gap, Notification, Gap, Notification, Notification]
    assert [items[0].cause.reason, items[2].cause.reason] == ["1", "2"]
    assert [each.raw for each in items if isinstance(each, Notification)] == ["21", "30", "31"]
    assert (stream.received, stream.dropped) == (8, 5)
    assert items[0].since <= items[0].until <= items[2].since


def test_a_queue_must_hold_something(device):
    with persistent(device) as keeper, pytest.raises(OptionError, match="maxsize"):
        keeper.notifications(0)
