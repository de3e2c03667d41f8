"""Keepalives on real connections: who is found dead, who is not, and how soon."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from ncwire import SessionListener
from ncwire.errors import SessionCloseError
from ncwire.testing import FaultProxy

pytestmark = pytest.mark.sshd

INTERVAL = 0.2
LATE = 2.0
"""How much later than promised a loaded machine may be."""


@pytest.fixture
def proxy(sshd):
    """What stands before sshd and may fall silent."""
    with FaultProxy((sshd.host, sshd.port)) as proxy:
        yield proxy


@pytest.fixture
def dial(sshd, connect):
    """Connect through a proxy."""

    def dial(proxy, **parameters):
        place = SimpleNamespace(
            host="127.0.0.1", port=proxy.port, user=sshd.user, client_key=sshd.client_key
        )
        return connect(place, hostkey_verify=False, keepalive=INTERVAL, **parameters)

    return dial


def cause_of_death(session, since: float, count: int) -> str:
    """Wait for the end; see that it comes neither before its time nor long after."""
    promised = INTERVAL * (count + 1)
    session.join(promised + LATE + 10)
    elapsed = time.monotonic() - since
    assert isinstance(session.cause, SessionCloseError)
    assert elapsed < promised + LATE
    assert f"no answer to {count} keepalives" in str(session.cause)
    return str(session.cause)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_frozen_server_is_dead_after_the_count(make_sshd, connect, count):
    server = make_sshd()
    session = connect(server, keepalive=INTERVAL, keepalive_count=count)
    server.freeze()
    try:
        # What was under way when it froze is heard later than this.
        cause_of_death(session, time.monotonic(), count)
    finally:
        server.thaw()


def test_the_cause_says_how_long_and_wakes_who_waits(proxy, dial):
    session = dial(proxy, keepalive_count=2)
    proxy.freeze()
    since = time.monotonic()
    with pytest.raises(SessionCloseError, match=r"no answer to 2 keepalives.* for \d+\.\d s"):
        session.rpc("<echo/>", timeout=30)
    cause_of_death(session, since, 2)


def test_death_is_found_behind_a_queue_that_is_not_taken(proxy, dial):
    session = dial(proxy)
    # More than the kernel takes, and made before: to make it may take a busy machine so long that
    # the session has ended.
    operation = "<digest>" + "x" * 16_000_000 + "</digest>"
    proxy.freeze()
    since = time.monotonic()
    future = session.submit(operation)
    cause_of_death(session, since, 3)
    assert future.exception(0) is session.cause


def test_death_is_found_in_the_middle_of_a_reply(proxy, dial):
    frozen = threading.Event()
    proxy.after_bytes(1_000_000, lambda: (proxy.freeze(), frozen.set()))
    session = dial(proxy)
    future = session.submit('<get-bytes n="50000000"/>')
    assert frozen.wait(30)
    cause_of_death(session, time.monotonic(), 3)
    assert future.exception(0) is session.cause


def test_death_is_found_in_the_middle_of_a_rekey(make_sshd, dial):
    server = make_sshd(config="RekeyLimit 100K")
    deaf = threading.Event()
    with FaultProxy((server.host, server.port)) as proxy:
        # It begins to exchange keys after 100 kB, and never gets the client's part.
        proxy.after_bytes(50_000, lambda: (proxy.deafen(), deaf.set()))
        session = dial(proxy)
        session.submit('<get-bytes n="3000000"/>')
        assert deaf.wait(30)
        cause_of_death(session, time.monotonic(), 3)


# Those who live may be kept waiting by a loaded machine: their counts are large.


def test_a_server_that_rekeys_lives(make_sshd, connect):
    session = connect(make_sshd(config="RekeyLimit 100K"), keepalive=0.05, keepalive_count=30)
    for _ in range(5):
        assert len(session.rpc('<get-bytes n="1000000"/>').raw) > 1_000_000
    assert session.rpc("<digest>" + "x" * 1_000_000 + "</digest>").message_id
    assert session.connected


def test_a_late_answer_is_a_sign_of_life(proxy, dial):
    session = dial(proxy, keepalive_count=8)
    for _ in range(4):
        proxy.freeze()
        session.join(INTERVAL * 4)
        proxy.thaw()
        assert session.rpc("<echo/>").message_id
    assert session.connected


def test_an_idle_session_outlives_many_times_the_count(sshd, connect):
    session = connect(sshd, keepalive=0.05, keepalive_count=20)
    session.join(2.5)
    assert session.connected
    assert session.rpc("<echo/>").message_id


def test_a_listener_that_takes_long_kills_no_living_session(sshd, connect):
    class Slow(SessionListener):
        def callback(self, root, raw):
            # The loop neither asks nor hears meanwhile; that is no silence of the peer's.
            threading.Event().wait(INTERVAL * 10)

        def errback(self, ex):
            pass

    session = connect(sshd, keepalive=INTERVAL, keepalive_count=6)
    session.add_listener(Slow())
    assert session.rpc("<echo/>", timeout=30).message_id
    session.join(INTERVAL * 12)
    assert session.rpc("<echo/>", timeout=30).message_id
    assert session.connected
