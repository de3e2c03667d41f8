"""A peer that falls silent at each step: which error, which step it names, and how soon.

With -s it prints the table.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
from silent_peers import (
    PATIENCE,
    ROWS,
    server_stuck_in,
)

from ncwire import SSHSession, Timeouts
from ncwire.errors import RPCTimeoutError, StepTimeoutError
from ncwire.testing import FaultProxy
from ncwire.testing.conformance.resources import Resources, left_since

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.sshd

BUDGET = 1.0
TOLERANCE = 0.3
TRIES = 3
"""This test judges time, so that another process's turn at the wrong moment may fail it."""


def repeated(attempt: Callable[[], float], name: str) -> None:
    """Have `attempt` return, once in a few times, about the seconds of the budget."""
    for _ in range(TRIES):
        elapsed = attempt()
        sys.stdout.write(f"{name:45} {elapsed:6.3f} s\n")
        if abs(elapsed - BUDGET) <= TOLERANCE:
            return
    pytest.fail(f"{name}: {elapsed:.3f} s, with a budget of {BUDGET} s")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.usefixtures("sshd", "key_ring", "ssh_agent")
def test_a_silent_peer_is_found_in_time(row, driver, request, needs):
    if row.needs is not None:
        needs(row.needs)

    def attempt() -> float:
        before = Resources.now()
        with row.peer(request) as peer:
            begun = time.monotonic()
            with pytest.raises(row.error, match=f"({row.step}).* 1 s"):
                connect(
                    driver, peer, timeouts=Timeouts(**dict.fromkeys(row.budget.split(), BUDGET))
                )
            ended = time.monotonic()
            assert peer.silent.is_set()
            peer.release()
        assert not left_since(before, PATIENCE)
        # The steps before it are not the silent step's.
        return ended - (begun if row.budget == "overall" else max(begun, peer.since))

    repeated(attempt, f"{driver}: {row.name}")


def test_timeout_is_the_budget_of_a_step_that_is_not_given(driver, request):
    def attempt() -> float:
        with server_stuck_in("check_auth_password", request) as peer:
            with pytest.raises(StepTimeoutError, match=r"by password: .* 1 s"):
                connect(driver, peer, timeout=BUDGET)
            ended = time.monotonic()
            peer.release()
            return ended - peer.since

    repeated(attempt, f"{driver}: timeout=1")


def connect(driver, peer, **parameters):
    settings = {"allow_agent": False, "look_for_keys": False, "hostkey_verify": False}
    SSHSession(driver=driver).connect(
        "127.0.0.1", peer.port, **settings | peer.parameters | parameters
    )


@pytest.fixture
def proxied(sshd, driver):
    """A proxy in front of sshd, and a session through it."""
    with FaultProxy((sshd.host, sshd.port)) as proxy:
        session = SSHSession(driver=driver)
        before = Resources.now()
        session.connect(
            "127.0.0.1",
            proxy.port,
            username=sshd.user,
            key_filename=str(sshd.client_key),
            allow_agent=False,
            look_for_keys=False,
            hostkey_verify=False,
            timeouts=Timeouts(rpc=BUDGET, close=BUDGET),
        )
        yield proxy, session
        session.close()
        proxy.thaw()
        assert not left_since(before, PATIENCE)


def test_rpc(proxied, driver):
    proxy, session = proxied
    proxy.freeze()

    def attempt() -> float:
        begun = time.monotonic()
        with pytest.raises(RPCTimeoutError, match=r"rpc .*: no reply within 1 s"):
            session.rpc("<echo/>")
        return time.monotonic() - begun

    repeated(attempt, f"{driver}: rpc")
    proxy.thaw()
    assert session.rpc("<echo/>").message_id


def test_close_session(proxied, driver):
    proxy, session = proxied
    proxy.freeze()
    begun = time.monotonic()
    session.close_session()
    elapsed = time.monotonic() - begun
    sys.stdout.write(f"{driver}: close_session {elapsed:.3f} s\n")
    # It cannot be repeated on one session.
    assert elapsed < BUDGET + 2 * TOLERANCE
    assert session.cause.closed_by == "us"


def test_close_with_a_queue_that_is_not_taken(proxied, driver):
    proxy, session = proxied
    proxy.freeze()
    future = session.submit("<digest>" + "x" * 40_000_000 + "</digest>")
    begun = time.monotonic()
    session.close()
    elapsed = time.monotonic() - begun
    sys.stdout.write(f"{driver}: close with a queue {elapsed:.3f} s\n")
    assert elapsed < BUDGET + 2 * TOLERANCE
    assert future.exception(0) is session.cause
