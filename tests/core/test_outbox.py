"""The queue and the line of what is to be sent, over a channel that takes what it is told to."""

from __future__ import annotations

from ncwire._engine.send_queue import Outbox


class Taking:
    """As much of a channel as the outbox knows: it takes so many bytes, then blocks."""

    def __init__(self):
        self.takes = 0
        self.taken = b""

    def write(self, data):
        count = min(self.takes, len(data))
        self.takes -= count
        self.taken += data[:count]
        return count


def test_a_short_message_does_not_pass_a_long_one_that_waits():
    outbox, channel = Outbox(100), Taking()
    long, longer, short = b"a" * 60, b"b" * 70, b"c"
    assert outbox.leave([long])
    assert outbox.leave([longer])
    assert outbox.leave([short])
    assert outbox.unsent() == long + longer + short
    assert outbox.queued() == 131
    channel.takes = 1000
    outbox.send(channel)
    assert channel.taken == long + longer + short
    assert outbox.queued() == 0


def test_nothing_comes_between_the_rest_of_a_message_and_it():
    outbox, channel = Outbox(100), Taking()
    assert outbox.leave([b"third"])
    outbox.put_back(b"", b"first", b"second")
    channel.takes = 100
    outbox.send(channel)
    assert channel.taken == b"firstsecondthird"


def test_one_that_is_too_late_gives_up_its_place():
    outbox, channel = Outbox(10), Taking()
    assert outbox.leave([b"a" * 9])
    assert not outbox.add([b"b" * 9], until=0.0)
    assert outbox.leave([b"c"])
    channel.takes = 100
    outbox.send(channel)
    assert channel.taken == b"a" * 9 + b"c"


def test_after_a_stop_nothing_more_is_let_in():
    outbox = Outbox(10)
    assert outbox.leave([b"a"])
    outbox.stop()
    assert not outbox.leave([b"b"])
    assert not outbox.add([b"b"], until=0.0)
    assert not outbox.begin(until=0.0)
    assert outbox.await_room(0.0)
    assert outbox.unsent() == b"a"
    outbox.clear()
    assert outbox.unsent() == b""
