"""The embedded server on a Unix socket."""

import os
import pwd
import socket
from pathlib import Path

import pytest
from embedded import SUBSCRIBE
from raw_client import BASE, over_unix

from ncwire.testing import EmbeddedUnixServer
from ncwire.testing.conformance.resources import Resources


def test_a_client_is_served(tmp_path):
    path = tmp_path / "netconf.sock"
    with (
        EmbeddedUnixServer(path=path, datastore="<config><a/></config>") as server,
        over_unix(server.path) as client,
    ):
        assert server.driver_options == {"path": str(path)}
        assert client.hello().findtext(f"{{{BASE}}}session-id") == "1"
        reply = client.rpc("<get-config><source><running/></source></get-config>")
        assert reply.find(f"{{{BASE}}}data/a") is not None
        assert server.sessions == 1
    assert not path.exists()


def test_the_user_is_the_account_that_the_client_runs_as():
    with EmbeddedUnixServer() as server, over_unix(server.path) as client:
        client.hello()
        expected = pwd.getpwuid(os.geteuid()).pw_name if hasattr(socket, "SO_PEERCRED") else ""
        assert server.last_session.username == expected


def test_the_socket_is_this_users_alone():
    with EmbeddedUnixServer() as server:
        path = Path(server.path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not path.parent.exists()


def test_a_notification_comes_while_the_client_is_silent():
    with EmbeddedUnixServer() as server, over_unix(server.path) as client:
        client.hello()
        client.rpc(SUBSCRIBE)
        assert server.notify("<event/>") == 1
        assert client.receive().find("event") is not None


def test_a_session_that_is_killed_ends():
    with (
        EmbeddedUnixServer() as server,
        over_unix(server.path) as killed,
        over_unix(server.path) as killer,
    ):
        session = killed.hello().findtext(f"{{{BASE}}}session-id")
        killer.hello()
        killer.rpc(f"<kill-session><session-id>{session}</session-id></kill-session>")
        assert killed.ended()


def test_a_path_that_is_taken_is_an_error_and_is_left_alone(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("something", encoding="ascii")
    before = Resources.now()
    with pytest.raises(OSError, match="in use"):
        EmbeddedUnixServer(path=taken)
    assert not Resources.now().added_since(before)
    assert taken.read_text(encoding="ascii") == "something"


def test_close_ends_everything_and_may_be_repeated(threads_of_servers):
    server = EmbeddedUnixServer()
    with over_unix(server.path) as client:
        client.hello()
        client.rpc(SUBSCRIBE)
        for _ in range(10):
            server.notify(f"<event>{'x' * 1_000_000}</event>")
        server.close()
        server.close()
        assert threads_of_servers() == []
