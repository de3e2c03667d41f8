"""`BufferedChannel`: a channel over a library that calls back; what comes and what goes."""

from __future__ import annotations

import random
import select
import threading

import pytest
from scripted_channel import PATIENCE, Scripted, is_readable

from ncwire.driver import Readiness
from ncwire.errors import SSHError


def test_what_came_before_there_was_a_channel_is_read(library):
    library.intake.feed(b"early")
    channel = Scripted(library)
    assert is_readable(channel)
    assert channel.read(100) == b"early"
    assert channel.read(100) is None
    channel.abort()


def test_it_is_readable_until_all_is_read(library, channel):
    assert channel.read(100) is None
    assert not is_readable(channel)
    library.intake.feed(b"one")
    library.intake.feed(bytearray(b"two"))
    assert is_readable(channel)
    assert channel.read(2) == b"on"
    assert channel.read(100) == b"e"
    assert is_readable(channel)
    assert channel.read(100) == b"two"
    assert channel.read(100) is None
    assert not is_readable(channel)
    assert channel.wants().on is Readiness.READ


def test_what_is_fed_is_the_caller_s_again(library, channel):
    lent = bytearray(b"abc")
    library.intake.feed(lent)
    lent[:] = b"xyz"
    assert channel.read(100) == b"abc"


def test_the_end_is_told_after_the_data_and_again_and_again(library, channel):
    library.intake.feed(b"last")
    library.intake.end()
    library.intake.feed(b"too late")
    assert channel.read(100) == b"last"
    assert is_readable(channel)
    assert channel.read(100) == b""
    assert channel.read(100) == b""


def test_an_error_is_told_after_the_data_with_its_cause(library, channel):
    cause = ConnectionResetError("by peer")
    library.intake.feed(b"last")
    library.intake.end(SSHError("the connection broke"), cause)
    library.intake.end()  # only the first counts
    assert channel.read(100) == b"last"
    for _ in range(2):
        with pytest.raises(SSHError, match="the connection broke") as raised:
            channel.read(100)
        assert raised.value.__cause__ is cause


def test_the_peer_s_close_is_an_end_and_tells_of_itself(library, channel):
    library.intake.end()
    assert channel.read(100) == b""
    assert not channel.finish()
    library.intake.close()
    assert is_readable(channel)
    assert channel.finish()
    assert channel.read(100) == b""


def test_no_arrival_is_lost_between_two_threads(library):
    channel = Scripted(library)
    parts = [random.Random(size).randbytes(size % 50 + 1) for size in range(20_000)]

    def deliver():
        for part in parts:
            library.intake.feed(part)
        library.intake.end()

    delivering = threading.Thread(target=deliver)
    delivering.start()
    read = bytearray()
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    ended = False
    while not ended:
        assert poll.poll(PATIENCE * 1000), "nothing has told of what came"
        while (data := channel.read(64)) is not None:
            read += data
            if not data:
                ended = True
                break
    delivering.join()
    assert read == b"".join(parts)
    channel.abort()


def test_too_much_pauses_the_library_until_half_is_read(library, channel):
    library.intake.feed(bytes(100))
    assert library.asked == []
    library.intake.feed(b"x")
    assert library.asked == ["pause"]
    library.intake.feed(b"on its way")
    channel.read(60)
    assert library.asked == ["pause"]
    channel.read(40)
    assert library.asked == ["pause", "resume"]


def test_what_came_early_and_is_too_much_pauses_it_at_once(library):
    library.intake.feed(bytes(101))
    channel = Scripted(library, most=100)
    assert library.asked == ["pause"]
    channel.abort()


def test_a_library_may_deliver_from_within_resume(library):
    class Delivering(Scripted):
        def resume(self):
            super().resume()
            self.library.intake.feed(bytes(200))

    channel = Delivering(library, most=100)
    library.intake.feed(bytes(101))
    assert len(channel.read(1000)) == 101
    assert library.asked == ["pause", "resume", "pause"]
    channel.abort()


def test_pause_and_resume_come_in_turns_from_any_threads(library):
    channel = Scripted(library, most=100)

    def deliver():
        for _ in range(5_000):
            library.intake.feed(bytes(30))
        library.intake.end()

    delivering = threading.Thread(target=deliver)
    delivering.start()
    while (data := channel.read(7)) != b"":
        if data is None:
            select.select([channel], [], [], PATIENCE)
    delivering.join()
    turns = len(library.asked) // 2
    assert turns
    assert library.asked == ["pause", "resume"] * turns
    channel.abort()


def test_who_reads_does_not_wait_for_another_that_pauses(library):
    entered, leave = threading.Event(), threading.Event()

    class Slow(Scripted):
        def pause(self):
            entered.set()
            assert leave.wait(PATIENCE)
            super().pause()

    channel = Slow(library, most=100)
    feeding = threading.Thread(target=library.intake.feed, args=(bytes(101),))
    feeding.start()
    assert entered.wait(PATIENCE)
    assert len(channel.read(1000)) == 101
    assert channel.read(1000) is None
    leave.set()
    feeding.join()
    assert library.asked == ["pause", "resume"]
    channel.abort()


def test_write_takes_no_more_than_there_is_room_for_and_tells_when_there_is(library, channel):
    woken = []
    channel.on_ready(lambda: woken.append(len(library.sent)))
    assert channel.write(memoryview(b"a" * 80)) == 80
    assert channel.write(memoryview(b"b" * 80)) == 20
    assert channel.write(memoryview(b"b" * 60)) == 0
    library.intake.drained(40)
    assert woken == []
    library.intake.drained(10)
    assert woken == [100]
    library.intake.drained(10)
    assert woken == [100]
    assert channel.write(memoryview(b"b" * 60)) == 60
    assert library.sent == b"a" * 80 + b"b" * 80
    assert channel.wants().on is Readiness.READ


def test_no_room_is_lost_between_two_threads(library):
    channel = Scripted(library, most=64)
    woken, more = threading.Event(), threading.Semaphore(0)
    channel.on_ready(woken.set)
    total = 50_000

    def pass_on():
        left = total
        while left:
            assert more.acquire(timeout=PATIENCE)
            library.intake.drained(1)
            left -= 1

    passing = threading.Thread(target=pass_on)
    passing.start()
    unsent = memoryview(bytes(total))
    while unsent:
        taken = channel.write(unsent)
        more.release(taken) if taken else None
        unsent = unsent[taken:]
        if not taken:
            assert woken.wait(PATIENCE), "nothing has told of the room"
            woken.clear()
    passing.join()
    channel.abort()
