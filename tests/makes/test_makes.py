"""Each check with a server of each make on each driver: `rows` says what is seen.

`python tests/makes/run.py` prints the matrix. Some logins end at the first rpc, so that the
channel is known to work as well.
"""

from __future__ import annotations

import time

import pytest

from makes.netconf_sides import LONG
from makes.rows import MAKES
from ncwire import errors
from ncwire.testing import FaultProxy

pytestmark = [pytest.mark.makes, pytest.mark.timeout(600)]

MEGABYTE = 1024 * 1024
SOME_ANSWERS = 500
"""Bytes; one has about 50."""
GET = "<get-config><source><running/></source></get-config>"


def works(session) -> bool:
    return "<rpc-reply" in session.rpc(GET, LONG).raw.replace("nc:", "")


def test_login_by_password(peer, connect):
    assert works(connect(password=peer.password))


def test_login_by_key(peer, connect):
    assert works(connect())


@pytest.mark.usefixtures("driver_of_prompts")
def test_login_by_prompts(peer, connect):
    assert works(connect(auth_handler=peer.answers))


@pytest.mark.usefixtures("driver_of_prompts")
def test_what_cannot_be_logged_in_with_is_not_offered(running, make, connect):
    missing = "login_by_prompts" in MAKES[make].not_applicable
    with pytest.raises(errors.AuthenticationError) as caught:
        connect(auth_handler=lambda _title, _instruction, prompts: ["wrong"] * len(prompts))
    assert ("keyboard-interactive" not in caught.value.offered) == missing


def test_login_by_agent(peer, connect, ssh_agent):
    ssh_agent.add(peer.server.client_key)
    assert works(connect(allow_agent=True))


def test_hello(peer, connect):
    session = connect()
    assert int(session.id) > 0
    assert ":base:1.1" in session.server_capabilities
    assert peer.identification in session.channel_info.server_version


def test_rpc(peer, connect):
    session = connect()
    futures = [session.submit(GET) for _ in range(20)]
    replies = [future.result(LONG) for future in futures]
    assert len({reply.message_id for reply in replies}) == len(replies)
    assert all("interfaces" in reply.raw or "<data" in reply.raw for reply in replies)


def test_a_megabyte_each_way(peer, connect):
    session = connect()
    peer.netconf.download(session, MEGABYTE)
    peer.netconf.upload(session, MEGABYTE)
    assert works(session)


@pytest.mark.exhaustive
def test_download(peer, connect):
    session = connect()
    peer.netconf.download(session, 20 * MEGABYTE)
    assert works(session)


@pytest.mark.exhaustive
def test_upload(peer, connect):
    session = connect()
    peer.netconf.upload(session, 20 * MEGABYTE)
    assert works(session)


def test_notifications(peer, connect):
    peer.netconf.notify(connect(), connect)


def test_keepalive(peer, connect, tmp_path):
    host_key = peer.server.known_hosts.read_text().partition(" ")[2]
    with FaultProxy((peer.server.host, peer.server.port)) as proxy:
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{proxy.port} {host_key}")
        session = connect(
            port=proxy.port, known_hosts=known_hosts, keepalive=0.1, keepalive_count=30
        )
        assert works(session)
        # It asks for nothing now, so what comes are answers to keepalives.
        before = proxy.answered
        while session.connected and proxy.answered < before + SOME_ANSWERS:
            session.join(0.1)
        assert works(session)
        proxy.freeze()
        session.join(LONG)
        assert isinstance(session.cause, errors.SessionCloseError)
        assert "no answer to 30 keepalives" in str(session.cause)


def test_close(peer, connect):
    told = connect()
    told.close_session(LONG)
    assert not told.is_alive()
    assert peer.netconf.ended(told)

    left = connect()
    started = time.monotonic()
    left.close()
    assert time.monotonic() - started < LONG
    assert not left.is_alive()
    assert peer.netconf.ended(left)
