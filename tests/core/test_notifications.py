"""Notifications: a bounded queue with a counter, that ends with the session."""

from __future__ import annotations

import pytest

from ncwire.errors import OptionError, SessionCloseError, StepTimeoutError

NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
EVENT = f'<notification xmlns="{NS}"><n>{{}}</n></notification>'


def flush(peer, session):
    """Return when the session has taken in all that the peer has sent so far."""
    future = session.submit("<get/>")
    peer.receive()
    peer.reply(None)
    future.result(10)


def test_notifications_come_in_order_and_replies_do_not(peer, session):
    reader = session.notifications()
    for n in range(3):
        peer.send(EVENT.format(n))
    flush(peer, session)
    assert [f"<n>{n}</n>" in reader.get(10).raw for n in range(3)] == [True] * 3
    assert (reader.received, reader.dropped) == (3, 0)
    with pytest.raises(StepTimeoutError, match="notification"):
        reader.get(0.01)


def test_a_default_is_returned_where_none_came_in_time(peer, session):
    reader = session.notifications()
    nothing = object()
    assert reader.get(0, None) is None
    assert reader.get(0.01, default=nothing) is nothing
    peer.send(EVENT.format(1))
    flush(peer, session)
    assert "<n>1</n>" in reader.get(0, None).raw
    session.close()
    with pytest.raises(SessionCloseError):  # the end is no lack of time
        reader.get(0, None)


def test_full_queue_drops_the_oldest_and_counts(peer, session):
    reader = session.notifications(maxsize=2)
    for n in range(5):
        peer.send(EVENT.format(n))
    flush(peer, session)
    assert (reader.received, reader.dropped) == (5, 3)
    assert "<n>3</n>" in reader.get().raw
    assert "<n>4</n>" in reader.get().raw


def test_each_reader_gets_every_notification(peer, session):
    with session.notifications() as first, session.notifications() as second:
        peer.send(EVENT.format(1))
        assert first.get(10).root == second.get(10).root


def test_closed_reader_takes_no_more(peer, session):
    reader = session.notifications()
    reader.close()
    reader.close()
    peer.send(EVENT.format(1))
    flush(peer, session)
    assert reader.received == 0
    assert list(reader) == []


def test_what_had_arrived_comes_before_the_cause(peer, session):
    reader = session.notifications()
    peer.send(EVENT.format(1))
    flush(peer, session)
    peer.hang_up()
    assert "<n>1</n>" in reader.get(10).raw
    with pytest.raises(SessionCloseError) as caught:
        reader.get(10)
    assert caught.value is session.cause
    with pytest.raises(SessionCloseError):
        list(reader)


def test_iteration_ends_quietly_when_we_close(peer, session):
    reader = session.notifications()
    peer.script(session.close)
    assert list(reader) == []


def test_queue_must_hold_something(session):
    with pytest.raises(OptionError, match="maxsize"):
        session.notifications(maxsize=0)
