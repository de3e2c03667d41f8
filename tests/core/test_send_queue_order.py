"""The queue and the line of what is to be sent, over a channel that takes what it is told to."""

from __future__ import annotations

from ncwire._engine.send_queue import SendQueue


class Taking:
    """As much of a channel as the send_queue knows: it takes so many bytes, then blocks."""

    def __init__(self):
        self.takes = 0
        self.taken = b""

    def write(self, data):
        count = min(self.takes, len(data))
        self.takes -= count
        self.taken += data[:count]
        return count


def test_a_short_message_does_not_pass_a_long_one_that_waits():
    send_queue, channel = SendQueue(100), Taking()
    long, longer, short = b"a" * 60, b"b" * 70, b"c"
    assert send_queue.leave([long])
    assert send_queue.leave([longer])
    assert send_queue.leave([short])
    assert send_queue.unsent() == long + longer + short
    assert send_queue.queued() == 131
    channel.takes = 1000
    send_queue.send(channel)
    assert channel.taken == long + longer + short
    assert send_queue.queued() == 0


def test_nothing_comes_between_the_rest_of_a_message_and_it():
    send_queue, channel = SendQueue(100), Taking()
    assert send_queue.leave([b"third"])
    send_queue.put_back(b"", b"first", b"second")
    channel.takes = 100
    send_queue.send(channel)
    assert channel.taken == b"firstsecondthird"


def test_one_that_is_too_late_gives_up_its_place():
    send_queue, channel = SendQueue(10), Taking()
    assert send_queue.leave([b"a" * 9])
    assert not send_queue.add([b"b" * 9], until=0.0)
    assert send_queue.leave([b"c"])
    channel.takes = 100
    send_queue.send(channel)
    assert channel.taken == b"a" * 9 + b"c"


def test_after_a_stop_nothing_more_is_let_in():
    send_queue = SendQueue(10)
    assert send_queue.leave([b"a"])
    send_queue.stop()
    assert not send_queue.leave([b"b"])
    assert not send_queue.add([b"b"], until=0.0)
    assert not send_queue.begin(until=0.0)
    assert send_queue.await_room(0.0)
    assert send_queue.unsent() == b"a"
    send_queue.clear()
    assert send_queue.unsent() == b""
