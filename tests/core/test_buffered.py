"""`BufferedChannel`: a channel over a library that calls back."""

from __future__ import annotations

import gc
import random
import resource
import select
import threading
import time
from pathlib import Path

import pytest

from children import in_child
from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire.driver import BufferedChannel, ChannelInfo, Intake, LastWords, Readiness
from ncwire.errors import SSHError, TransportError

PATIENCE = 20
DRIVER = folder_of("ncwire.driver")
INFO = ChannelInfo("scripted", "1.0")


class Library:
    """What a channel asks of its library, in order; the intake is all that it keeps."""

    def __init__(self):
        self.asked = []
        self.sent = b""
        self.intake = Intake()

    def free(self):
        self.asked.append("free")


class Scripted(BufferedChannel):
    def __init__(self, library, **limits):
        self.library = library
        super().__init__(library.intake, INFO, library, library.free, **limits)

    def send(self, data):
        self.library.sent += data

    def pause(self):
        self.library.asked.append("pause")

    def resume(self):
        self.library.asked.append("resume")

    def say_end(self):
        self.library.asked.append("end")

    def say_close(self):
        self.library.asked.append("close")

    def leave(self):
        self.library.asked.append("leave")


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def channel(library):
    channel = Scripted(library, most=100)
    yield channel
    channel.abort()


def is_readable(channel):
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


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


def test_after_the_peer_s_end_write_takes_nothing(library, channel):
    library.intake.feed(b"last")
    library.intake.end()
    assert channel.write(memoryview(b"data")) == 0
    assert library.sent == b""
    assert channel.read(100) == b"last"


@pytest.mark.parametrize("end", ["close", "abort"])
def test_when_it_is_freed_nothing_of_it_is_left(end):
    before = fds()
    library = Library()
    channel = Scripted(library)
    getattr(channel, end)()
    assert fds() == before
    assert library.asked == [{"close": "leave", "abort": "free"}[end]]
    for call in (
        lambda: channel.read(10),
        lambda: channel.write(memoryview(b"x")),
        channel.finish,
    ):
        with pytest.raises(TransportError, match="closed"):
            call()
    library.intake.feed(b"late")
    library.intake.drained(1)
    library.intake.close()
    channel.close()
    channel.abort()
    channel.abort()
    assert set(library.asked[1:]) == {"free"}
    assert channel.fileno() == -1


def test_dropped_it_is_collected_though_the_library_goes_on():
    before = fds()
    library = Library()
    channel = Scripted(library)
    channel.on_ready(channel.close)  # as the core's, which holds the channel
    channel.library = None
    channel.native = None
    library.intake.feed(b"unread")
    del channel
    gc.collect()
    assert library.asked == ["free"]
    assert fds() == before
    library.intake.feed(b"more")
    library.intake.drained(1)
    library.intake.end()


def test_what_close_has_begun_is_not_cut_off_when_it_is_collected(library):
    channel = Scripted(library)
    channel.close()
    del channel
    gc.collect()
    assert library.asked == ["leave"]


def test_abort_does_not_wait_for_a_call_that_blocks(library):
    entered, leave = threading.Event(), threading.Event()

    class Stuck(Scripted):
        def send(self, data):
            entered.set()
            assert leave.wait(PATIENCE)

    channel = Stuck(library)
    writing = threading.Thread(target=channel.write, args=(memoryview(b"data"),))
    writing.start()
    assert entered.wait(PATIENCE)
    channel.abort()
    assert library.asked == ["free"]
    leave.set()
    writing.join()


def test_finish_says_the_end_once_and_the_close_after_silence(library, channel):
    assert not channel.finish()
    began = time.monotonic()
    assert not channel.finish()
    assert library.asked == ["end"]
    while "close" not in library.asked:
        until = channel.wants().until
        assert until is not None
        select.select([channel], [], [], max(0.0, until - time.monotonic()))
        channel.finish()
    assert time.monotonic() - began > 1.5
    assert channel.wants().until is None
    library.intake.close()
    assert channel.finish()
    assert library.asked == ["end", "close"]


def test_what_the_peer_sends_and_what_is_unsent_puts_the_close_off(library, channel):
    channel.write(memoryview(b"data"))
    channel.finish()
    first = channel.wants().until
    channel.finish()
    second = channel.wants().until
    assert second > first
    library.intake.drained(4)
    channel.finish()
    assert channel.wants().until == second
    library.intake.hear()
    channel.finish()
    assert channel.wants().until > second
    assert channel.heard() > 0


def test_the_last_words_are_what_the_intake_was_told(library, channel):
    assert channel.last_words() == LastWords()
    library.intake.complain(b"no licence\n")
    library.intake.complain(bytes(2000))
    library.intake.exited(3)
    words = channel.last_words()
    assert words.stderr.startswith(b"no licence\n")
    assert len(words.stderr) == 1024
    assert (words.exit_status, words.signal) == (3, "")


def test_a_forked_child_does_not_reach_the_parent_s(library, channel):
    def feed():
        library.intake.feed(b"in the child")
        return is_readable(channel)

    in_child(feed)
    assert not is_readable(channel)
    library.intake.feed(b"in the parent")
    assert is_readable(channel)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["read", "write", "finish", "abort", "close"])
def test_an_interrupt_anywhere_leaves_it_to_be_aborted(kind, method):
    before = fds()
    at, where = 1, "begins"
    while where:
        library = Library()
        channel = Scripted(library, most=10)
        library.intake.feed(bytes(11))
        arguments = {"read": (100,), "write": (memoryview(bytes(20)),)}.get(method, ())
        with raising(kind):
            interrupter = Interrupter(at, [DRIVER])
            try:
                with interrupter:
                    getattr(channel, method)(*arguments)
            except kind:
                pass
        where = interrupter.where
        feeding = threading.Thread(target=library.intake.feed, args=(b"on",), daemon=True)
        feeding.start()
        feeding.join(PATIENCE)
        assert not feeding.is_alive(), where
        channel.abort()
        assert library.asked[-1] == "free", where
        del channel
        library = None
        gc.collect()
        assert fds() == before, where
        at += 1
    assert at > 2


def test_without_an_fd_left_it_is_an_error_of_ours():
    library = Library()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(TransportError, match="open files"):
            Scripted(library)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
