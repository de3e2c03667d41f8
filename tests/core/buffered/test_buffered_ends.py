"""`BufferedChannel`: how it ends, and what is left of it then."""

from __future__ import annotations

import gc
import resource
import select
import threading
import time

import pytest
from scripted_channel import DRIVER, PATIENCE, Library, Scripted, fds, is_readable

from children import in_child
from interrupting import KINDS, Interrupter, raising
from ncwire.driver import LastWords
from ncwire.errors import TransportError


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
