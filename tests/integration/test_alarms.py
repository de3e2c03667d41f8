"""A program's own alarm in a connect or a call comes out as it is, and is laid on no driver."""

from __future__ import annotations

import signal
import socket
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

import pytest

import ncwire
from installed_ssh import join_ends
from ncwire import Timeouts
from ncwire.errors import NcwireError, StepTimeoutError
from thoroughness import sampled

pytestmark = [pytest.mark.sshd, pytest.mark.usefixtures("no_gc_callbacks")]


class JobLimitError(Exception):
    """Of the program's own."""


@pytest.fixture(params=[JobLimitError, TimeoutError, KeyError], ids=lambda kind: kind.__name__)
def kind(request):
    """What the handler raises: a class of the program's, or one that libraries raise, too."""

    def handler(_number, frame):
        interrupted.extend(traceback.format_stack(frame))
        raise request.param("the job's time is over")

    interrupted.clear()

    # Not SIGALRM, which is pytest-timeout's.
    before = signal.signal(signal.SIGUSR1, handler)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


interrupted: list[str] = []
"""Where the handler was called."""
LIMIT = 30.0


@contextmanager
def alarm(seconds):
    """Have the handler called in this thread after so many seconds, at the latest at the end."""
    timer = threading.Timer(
        seconds, signal.pthread_kill, (threading.main_thread().ident, signal.SIGUSR1)
    )
    timer.start()
    try:
        yield
    finally:
        timer.join()


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


def for_ever(call, *arguments, **options):
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        call(*arguments, **options)
    pytest.fail("what the handler raised is lost; it was called here:\n" + "".join(interrupted))


def read_whole(session):
    with session.stream("<get/>", timeout=20) as reply:
        reply.read()


def test_in_a_connect_to_a_server_that_says_nothing(driver, kind, tmp_path):
    (tmp_path / "known_hosts").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def connect(**options):
            ncwire.connect(
                "127.0.0.1",
                port=listener.getsockname()[1],
                username="u",
                password="p",
                driver=driver,
                known_hosts=str(tmp_path / "known_hosts"),
                allow_agent=False,
                look_for_keys=False,
                **options,
            )

        # What the first one imports is there: an import drops an OSError, and leaves files open.
        with pytest.raises(StepTimeoutError):
            connect(timeouts=Timeouts(handshake=0.1))
        join_ends()
        before = fds()
        with pytest.raises(kind, match="the job's time is over"), alarm(0.3):
            connect()
        assert fds() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@sampled("parts", 8, 25)
def test_at_many_moments_of_connects(collected, sshd, connect, driver, kind, parts):
    """From before the socket to the hello."""
    if driver == "paramiko" and kind is TimeoutError:
        pytest.skip("paramiko takes a TimeoutError for its own socket's (5.1, packet.py)")
    connect(sshd).close()  # what the first one imports and makes is there
    began = time.monotonic()
    connect(sshd).close()
    usual = time.monotonic() - began
    for part in range(1, parts + 1):
        with pytest.raises(kind), alarm(usual * part / parts):
            for_ever(lambda: connect(sshd).close())


def check(session, kind, renew):
    """Return the session if it is open, or another if it has ended with that cause."""
    try:
        session.rpc("<get/>", timeout=20)
    except NcwireError:
        session.join(20)
        assert kind.__name__ in str(session.cause)
        return renew()
    return session


@sampled("times", 20, 60)
def test_at_many_moments_of_calls(collected, sshd, connect, kind, times):
    session = connect(sshd)
    for part in range(times):
        with pytest.raises(kind), alarm(0.0005 * (part % 20 + 1)):
            for_ever(session.rpc, "<get/>", timeout=20)
        session = check(session, kind, lambda: connect(sshd))


@sampled("times", 10, 30)
def test_at_many_moments_of_streams(collected, sshd, connect, kind, times):
    session = connect(sshd)
    for part in range(times):
        with pytest.raises(kind), alarm(0.0005 * (part % 20 + 1)):
            for_ever(read_whole, session)
        session = check(session, kind, lambda: connect(sshd))
