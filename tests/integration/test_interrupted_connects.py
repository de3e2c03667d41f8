"""A connect that is interrupted: what a signal handler raises comes out, and nothing is left."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest

import ncwire
from installed_ssh import join_ends
from interrupting import KINDS, Interrupter, folder_of, raising
from thoroughness import sampled

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")

PACKAGES = {
    "libssh2": "ncwire_libssh2",
    "openssh": "ncwire_openssh",
    "paramiko": "ncwire_paramiko",
}


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    with raising(request.param):
        yield request.param


def interrupted(sshd, driver, interrupter):
    """Return whether what the handler raised came out, if it was raised."""
    try:
        with interrupter:
            session = ncwire.connect(
                sshd.host,
                port=sshd.port,
                username=sshd.user,
                key_filename=str(sshd.client_key),
                known_hosts=sshd.known_hosts,
                allow_agent=False,
                look_for_keys=False,
                driver=driver,
            )
    except KINDS:
        return True
    session.close()
    return not interrupter.where


def test_just_when_it_is_connected(collected, sshd, driver, kind):
    """Between the driver's return and the session's opening: the connection is freed."""
    core = [folder_of("ncwire")]
    assert interrupted(sshd, driver, Interrupter(10**9, []))
    gc.collect()
    join_ends()
    before = fds()
    at = 1
    while True:
        interrupter = Interrupter(at, core, function="DriverSession._connect_by")
        assert interrupted(sshd, driver, interrupter), interrupter.where
        if not interrupter.where:
            break
        at += 1
    gc.collect()
    join_ends()
    assert fds() == before
    assert at > 10


@sampled("points", 20, 100)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_at_any_point(collected, sshd, driver, kind, points):
    if driver == "paramiko" and kind is TimeoutError:
        pytest.skip("paramiko takes a TimeoutError for its own socket's (5.1, packet.py)")
    folders = [folder_of("ncwire"), folder_of(PACKAGES[driver])]
    assert interrupted(sshd, driver, Interrupter(10**9, []))
    counter = Interrupter(10**9, folders)
    assert interrupted(sshd, driver, counter)
    for at in random.sample(range(1, counter.seen), points):
        interrupter = Interrupter(at, folders)
        assert interrupted(sshd, driver, interrupter), interrupter.where
