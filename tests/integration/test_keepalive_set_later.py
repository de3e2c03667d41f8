"""`Session.set_keepalive`: after connect, from any thread, on and off; also on a hub."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

import ncwire
from ncwire.errors import OptionError, SessionCloseError, TransportError, UnsupportedOption
from servers.stream_server import unix_server

pytestmark = pytest.mark.sshd

INTERVAL = 0.2
PATIENCE = 30.0


@pytest.fixture(params=["of its own", "a hub's"])
def session(request, sshd_to_freeze, driver):
    """An open session without keepalives."""
    server = sshd_to_freeze
    hub = ncwire.Hub() if request.param == "a hub's" else None
    session = ncwire.connect(
        server.host,
        port=server.port,
        username=server.user,
        key_filename=server.client_key,
        allow_agent=False,
        look_for_keys=False,
        known_hosts=server.known_hosts,
        driver=driver,
        hub=hub,
    )
    yield session
    server.thaw()
    session.close()
    if hub is not None:
        hub.close()


@pytest.fixture
def sshd_to_freeze(make_sshd):
    return make_sshd()


def ended(session, count: int) -> None:
    session.join(INTERVAL * (count + 1) + PATIENCE)
    assert isinstance(session.cause, SessionCloseError)
    assert f"no answer to {count} keepalives" in str(session.cause)


def test_set_after_connect_it_finds_a_dead_peer(session, sshd_to_freeze):
    session.set_keepalive(INTERVAL)
    assert session.rpc("<echo/>").message_id
    sshd_to_freeze.freeze()
    ended(session, 3)


def test_set_while_a_call_waits_it_wakes_the_call(session, sshd_to_freeze):
    sshd_to_freeze.freeze()
    setting = threading.Thread(target=session.set_keepalive, args=(INTERVAL, 2))
    future = session.submit("<echo/>")
    setting.start()
    with pytest.raises(SessionCloseError, match="no answer to 2 keepalives"):
        session.rpc("<echo/>", timeout=PATIENCE)
    assert future.exception(PATIENCE) is session.cause
    setting.join()


def test_set_again_and_again_it_still_finds_a_dead_peer(session, sshd_to_freeze):
    session.set_keepalive(INTERVAL)
    sshd_to_freeze.freeze()
    until = time.monotonic() + PATIENCE
    while session.connected and time.monotonic() < until:
        with suppress(SessionCloseError):
            session.set_keepalive(INTERVAL)
        session.join(INTERVAL / 4)
    assert not session.connected
    ended(session, 3)


def test_off_it_ends_nothing(session, sshd_to_freeze):
    session.set_keepalive(INTERVAL, 1)
    session.set_keepalive(None)
    sshd_to_freeze.freeze()
    session.join(INTERVAL * 8)
    sshd_to_freeze.thaw()
    assert session.rpc("<echo/>").message_id
    session.set_keepalive(0)
    assert session.connected


def test_threads_that_set_it_do_not_hurt_those_that_call(session):
    def set_it() -> None:
        for each in range(200):
            session.set_keepalive((None, 0.01, 0.02)[each % 3], 1000)

    setters = [threading.Thread(target=set_it) for _ in range(3)]
    for setter in setters:
        setter.start()
    for _ in range(100):
        assert session.rpc("<echo/>").message_id
    for setter in setters:
        setter.join()
    assert session.connected


def test_what_is_no_number_of_seconds_is_refused(session):
    with pytest.raises(OptionError, match="keepalive"):
        session.set_keepalive("soon")
    with pytest.raises(OptionError, match="keepalive_count"):
        session.set_keepalive(1.0, 0)
    assert session.connected


def test_after_the_end_the_cause_is_raised(session):
    session.close()
    with pytest.raises(SessionCloseError) as caught:
        session.set_keepalive(1.0)
    assert caught.value is session.cause


def test_before_connect_there_is_nothing_to_keep_alive(driver):
    with pytest.raises(TransportError, match="not connected"):
        ncwire.SSHSession(driver=driver).set_keepalive(1.0)


def test_a_driver_without_keepalives_refuses_it_by_name(tmp_path):
    path = str(tmp_path / "netconf.sock")
    with unix_server(path):
        session = ncwire.UnixSocketSession()
        session.connect(path)
        with pytest.raises(UnsupportedOption, match="'unix' does not support keepalive"):
            session.set_keepalive(1.0)
        session.set_keepalive(None)
        assert session.connected
        session.close()
