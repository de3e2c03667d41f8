"""What stops it for good, at a real SSH server: a host key that has changed, a login refused."""

from __future__ import annotations

import pytest

import ncwire
from ncwire import Persistent
from ncwire.errors import AuthenticationError, SSHHostKeyChangedError, SSHUnknownHostError
from ncwire.persistent import State
from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login
from restarted_device import AT_ONCE

pytestmark = pytest.mark.usefixtures("nothing_left")


def always(error):
    return True


class CountedLogin(Login):
    passwords = 0

    def check_auth_password(self, username, password):
        CountedLogin.passwords += 1
        return super().check_auth_password(username, password)


def given(server, tmp_path, **more):
    hosts = tmp_path / "known_hosts"
    server.write_known_hosts(hosts)
    return {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "password": server.password,
        "known_hosts": hosts,
        "allow_agent": False,
        "look_for_keys": False,
        "backoff": AT_ONCE,
        "retry": always,
        **more,
    }


def test_a_host_key_that_has_changed_stops_it(tmp_path, changes):
    server = EmbeddedServer()
    port = server.port
    keeper = Persistent(**given(server, tmp_path), on_change=changes)
    keeper.session(20)
    server.close()
    with EmbeddedServer(port=port):
        stopped = changes.wait_for(State.STOPPED)
        assert isinstance(stopped.cause, SSHHostKeyChangedError)
        for _ in range(2):
            with pytest.raises(SSHHostKeyChangedError) as caught:
                keeper.rpc("<get/>", 20)
            assert caught.value is stopped.cause
        with pytest.raises(SSHHostKeyChangedError):
            list(keeper.notifications())
    keeper.close()
    assert keeper.cause is stopped.cause


def test_a_host_key_that_is_unknown_stops_it(tmp_path):
    with EmbeddedServer() as server:
        parameters = given(server, tmp_path)
        parameters["known_hosts"].write_text("", encoding="utf-8")
        keeper = Persistent(**parameters)
        with pytest.raises(SSHUnknownHostError):
            keeper.session(20)
        assert keeper.status.attempts == 1
        keeper.close()


def test_a_login_that_was_refused_is_not_repeated(tmp_path):
    CountedLogin.passwords = 0
    with EmbeddedServer(login=CountedLogin) as server:
        keeper = Persistent(**given(server, tmp_path, password="wrong"))
        with pytest.raises(AuthenticationError):
            keeper.session(20)
        assert keeper.status.state is State.STOPPED
        assert (keeper.status.attempts, CountedLogin.passwords) == (1, 1)
        assert "wrong" not in repr(keeper) + repr(keeper.status)
        keeper.close()


def test_what_is_wrong_with_the_parameters_is_told_at_once(tmp_path):
    for bad, kind, text in [
        ({"port": 0}, ncwire.OptionError, "port"),
        ({"timeout": -1}, ncwire.OptionError, "timeout"),
        ({"prot": 1}, TypeError, "'prot'. Did you mean 'port'"),
        ({"profile": "nonesuch"}, ncwire.ProfileNotFoundError, "nonesuch"),
        ({"known_hosts": tmp_path / "none"}, ncwire.OptionError, "none"),
        ({"sock_fd": 0}, ncwire.OptionError, "sock_fd: a socket carries one"),
        ({"hub": 7}, ncwire.OptionError, "hub"),
        ({"backoff": 7}, ncwire.OptionError, "backoff"),
        ({"on_session": 7}, ncwire.OptionError, "on_session"),
        ({"on_change": 7}, ncwire.OptionError, "on_change"),
        ({"retry": 7}, ncwire.OptionError, "retry"),
        ({"wait": 0}, ncwire.OptionError, "wait"),
    ]:
        with pytest.raises(kind, match=text):
            Persistent("r1", **bad)
    with pytest.raises(ncwire.OptionError, match="function"):
        Persistent.from_function(None)
    with pytest.raises(ncwire.OptionError, match="name"):
        Persistent.from_function(print, name=7)


def test_a_driver_that_is_not_there_stops_it():
    keeper = Persistent("127.0.0.1", driver="nonesuch", retry=Exception)
    with pytest.raises(ncwire.DriverNotFoundError, match="nonesuch"):
        keeper.session(20)
    keeper.close()


def test_iterators_among_the_parameters_are_read_once(device):
    target = device.target
    keeper = Persistent(
        **target, capabilities=iter(["urn:ietf:params:netconf:base:1.0"]), backoff=AT_ONCE
    )
    for _ in range(2):
        session = keeper.session(20)
        assert list(session.client_capabilities)
        device.hang_up()
        session.join(20)
    keeper.close()


def test_a_url_says_where(device):
    with Persistent(f"netconf+unix://{device.path}", backoff=AT_ONCE) as keeper:
        assert keeper.rpc("<get/>", 20).ok
