"""A login that breaks off unanswered: tried again, as it may be the device; but not often."""

from __future__ import annotations

import socket
import subprocess

import pytest

import ncwire
from ncwire import Persistent
from ncwire.errors import AuthenticationError, SSHError
from ncwire.persistent import State
from ncwire.persistent.lost_logins import LOGINS_LOST
from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login
from restarted_device import AT_ONCE

AUTH_FAILED = 2
"""As in paramiko.common."""

pytestmark = pytest.mark.usefixtures("nothing_left")


class Script:
    """Hangs up on as many passwords as it is told, with no word, and takes the others."""

    def __init__(self):
        self.passwords = 0
        self.left = 0

    def hangs_up(self):
        self.passwords += 1
        self.left -= 1
        return self.left >= 0


@pytest.fixture(params=["paramiko", "libssh2", "openssh"])
def driver(request):
    pytest.importorskip(f"ncwire_{request.param}")
    return request.param


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def login(script):
    class HangingUp(Login):
        def check_auth_password(self, username, password):
            if script.hangs_up():
                self._transport.sock.shutdown(socket.SHUT_RDWR)
                return AUTH_FAILED
            return super().check_auth_password(username, password)

    return HangingUp


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
        **more,
    }


def test_a_device_that_is_switched_off_in_a_login_comes_back(tmp_path, driver, login, script):
    script.left = LOGINS_LOST - 1
    with (
        EmbeddedServer(login=login) as server,
        Persistent(**given(server, tmp_path, driver=driver)) as keeper,
    ):
        for _ in range(2):
            session = keeper.session(20)
            assert keeper.status.failures >= LOGINS_LOST - 1
            script.left = LOGINS_LOST - 1  # a login in between has them counted anew
            session.close()
        keeper.session(20)
        assert keeper.status.sessions == 3


@pytest.mark.parametrize(
    "retry", [None, Exception, lambda _: True], ids=["by default", "any error", "always"]
)
def test_a_server_that_refuses_by_hanging_up_is_not_hammered(
    tmp_path, driver, login, script, retry
):
    script.left = 1000
    with EmbeddedServer(login=login) as server:
        keeper = Persistent(**given(server, tmp_path, driver=driver, retry=retry))
        with pytest.raises(AuthenticationError, match="3 logins in a row") as caught:
            keeper.session(20)
        assert isinstance(caught.value.__cause__, SSHError)
        assert keeper.status.state is State.STOPPED
        assert (keeper.status.attempts, script.passwords) == (LOGINS_LOST, LOGINS_LOST)
        assert server.password not in str(caught.value) + repr(keeper)
        keeper.close()
    assert script.passwords == LOGINS_LOST


def test_failures_of_the_network_between_do_not_have_them_counted_anew(tmp_path, login, script):
    script.left = 1000
    made = []

    def make():
        made.append(None)
        if len(made) % 2:
            raise ConnectionRefusedError("it boots")
        return ncwire.connect(**parameters)

    with EmbeddedServer(login=login) as server:
        parameters = given(server, tmp_path)
        del parameters["backoff"]
        keeper = Persistent.from_function(make, backoff=AT_ONCE)
        with pytest.raises(AuthenticationError, match="3 logins in a row"):
            keeper.session(20)
        keeper.close()
    assert script.passwords == LOGINS_LOST


def test_a_hang_up_after_a_denial_is_a_refusal(tmp_path, driver, login, script):
    """What was denied must not be tried again, however the connection ends then."""
    script.left = 1000
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with EmbeddedServer(login=login, auth_methods=("publickey", "password")) as server:
        more = {"driver": driver, "key_filename": key, "retry": Exception}
        keeper = Persistent(**given(server, tmp_path, **more))
        with pytest.raises(AuthenticationError, match="after 2 failures"):
            keeper.session(20)
        assert (keeper.status.attempts, script.passwords) == (1, 1)
        keeper.close()


def test_what_breaks_before_a_credential_is_under_way_is_no_lost_login(tmp_path, driver):
    class EndingEarly(Login):
        left = 5

        def check_auth_none(self, username):
            if EndingEarly.left:
                EndingEarly.left -= 1
                self._transport.sock.shutdown(socket.SHUT_RDWR)
            return super().check_auth_none(username)

    with (
        EmbeddedServer(login=EndingEarly) as server,
        Persistent(**given(server, tmp_path, driver=driver)) as keeper,
    ):
        keeper.session(20)
        assert keeper.status.attempts == 6
