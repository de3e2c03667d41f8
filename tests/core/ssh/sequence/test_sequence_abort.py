"""The one sequence, aborted by another thread at any point."""

from __future__ import annotations

import socket
import threading
from functools import partial

import pytest
from scripted_driver import scripted
from sequences import prepared

from attempts import aborted
from ncwire.driver import Timeouts
from ncwire.errors import (
    SessionCloseError,
)


class TestAbort:
    """`abort` from another thread, at each step."""

    def test_while_the_tcp_connect_waits(self, options, listener, monkeypatch):
        listener.listen(0)
        held = [socket.socket() for _ in range(4)]
        for each in held:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        reached = threading.Event()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: reached.set() or found)
        driver, attempt = prepared(scripted(), options(host="r1", timeouts=Timeouts(connect=60)))
        error = aborted(attempt, partial(reached.wait, 10))
        for each in held:
            each.close()
        assert isinstance(error, SessionCloseError)
        assert error.closed_by == "us"
        assert driver.calls == []

    @pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
    def test_in_a_step_that_waits_for_the_peer(self, step, options, listener):
        reached = threading.Event()
        driver_class = scripted()
        driver_class.server.on[step] = lambda: (reached.set(), driver_holder[0].sock.recv(1))
        driver, attempt = prepared(driver_class, options())
        driver_holder = [driver]
        error = aborted(attempt, partial(reached.wait, 10))
        assert isinstance(error, SessionCloseError)
        assert driver.sock.fileno() == -1

    @pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
    def test_the_step_succeeds_nevertheless(self, step, options, listener):
        reached, release = threading.Event(), threading.Event()
        driver_class = scripted(on={step: lambda: (reached.set(), release.wait(10))})
        driver, attempt = prepared(driver_class, options())
        driver.abort = lambda: driver.calls.append("abort")  # frees nothing, says nothing
        error = aborted(attempt, partial(reached.wait, 10), release.set)
        assert isinstance(error, SessionCloseError)
        assert driver.sock.fileno() == -1
        following = driver.calls[driver.calls.index("abort") :]
        assert set(following) <= {"abort", "open_channel", "channel.abort"}

    def test_before_it_runs(self, options):
        driver, attempt = prepared(scripted(), options())
        attempt.abort()
        with pytest.raises(SessionCloseError):
            attempt.run()
        assert driver.calls == []

    def test_after_it_ran_the_channel_is_freed(self, options):
        driver, attempt = prepared(scripted(), options())
        attempt.run()
        attempt.abort()
        attempt.abort()
        assert "channel.abort" in driver.calls
        assert driver.sock.fileno() == -1
