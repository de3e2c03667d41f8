"""A run of the one sequence, which leaves nothing when it fails."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from scripted_driver import open_fds

from ncwire._ssh.connecting import connecting
from ncwire.driver import Deadline


def prepared(driver_class, opts, seconds=300.0):
    driver = driver_class()
    return driver, connecting(driver, opts, Deadline.after(seconds, "connect"))


@contextmanager
def nothing_left(driver_class, opts, kind, match=None):
    """Connecting fails with this error; yields the driver and the error for closer looks."""
    before = open_fds()
    driver, attempt = prepared(driver_class, opts)
    with pytest.raises(kind, match=match) as caught:
        attempt.run()
    assert open_fds() == before
    assert driver.sock is None or driver.sock.fileno() == -1
    yield driver, caught.value


def peer_sees_the_end(listener) -> bool:
    listener.settimeout(10)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        return connection.recv(1) == b""


def fail(error):
    def act():
        raise error

    return act
