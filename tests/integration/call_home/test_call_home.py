"""Call home on each driver: a real sshd, who is identified, and fifty at once."""

from __future__ import annotations

import subprocess
from collections import Counter

import pytest
from called_home import PATIENCE, called, device_of, dial

import ncwire
from ncwire import Timeouts
from ncwire.callhome import Device
from ncwire.errors import (
    AuthenticationError,
    SSHHostKeyRevokedError,
    StepTimeoutError,
    UnknownDeviceError,
)
from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login
from servers import requirement
from servers.calling_devices import PASSWORD, CallingDevices


def session_of(listener, opened):
    """Return the next session; tell of refusals if there is none."""
    try:
        return listener.accept(PATIENCE)
    except StepTimeoutError:
        refusals = [str(opened.refused.get()) for _ in range(opened.refused.qsize())]
        pytest.fail(f"no session, but these refusals: {refusals}")


# --- a real sshd -------------------------------------------------------------------------------


@pytest.fixture
def sshd_calls(make_sshd):
    """Have OpenSSH's sshd call, as inetd would start it: on a socket that somebody opened."""
    server = make_sshd()
    sshd = requirement.program("sshd", "openssh-server")
    processes = []

    def call(listener, host="127.0.0.1"):
        with dial(listener, host) as sock:
            command = [sshd, "-i", "-e", "-f", server.folder / "sshd_config"]
            processes.append(subprocess.Popen(command, stdin=sock, stdout=sock))

    call.server = server
    yield call
    for process in processes:
        process.wait(PATIENCE)


@pytest.mark.sshd
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_sshd_that_calls_is_a_session(opened, sshd_calls, tmp_path, host):
    server = sshd_calls.server
    known = tmp_path / "known_hosts"
    # As it would be on file from connecting to it: whatever its address was then.
    known.write_text(server.known_hosts.read_text().replace(f"[127.0.0.1]:{server.port}", "r1"))
    login = {"key_filename": server.client_key, "allow_agent": False, "look_for_keys": False}
    listener = opened(Device(name="r1", known_hosts=known, username=server.user, **login))
    if host == "::1" and "::" not in dict(listener.addresses):
        pytest.skip("no IPv6 here")
    sshd_calls(listener, host)
    session = session_of(listener, opened)
    assert (session.device, session.peer.sockaddr[0]) == ("r1", host)
    assert session.peer_address == session.peer.sockaddr
    assert session.local_address[:2] == (host, listener.port)
    assert "<x>é</x>" in session.rpc("<echo><x>é</x></echo>").raw
    session.close_session()
    # The listener is a persistent one.
    sshd_calls(listener, host)
    session_of(listener, opened).close_session()
    assert opened.refused.empty()


@pytest.mark.sshd
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_key_type_on_file_is_what_sshd_is_asked_for(opened, sshd_calls, kind):
    server = sshd_calls.server
    public = server.host_keys[kind].with_suffix(".pub").read_text()
    login = {"key_filename": server.client_key, "allow_agent": False, "look_for_keys": False}
    listener = opened(Device(name="r1", host_keys=public, username=server.user, **login))
    sshd_calls(listener)
    session_of(listener, opened).close_session()


# --- identification ----------------------------------------------------------------------------


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("revoked", [False, True], ids=["unknown", "revoked"])
def test_nothing_is_sent_to_who_is_not_identified(opened, tmp_path, revoked):
    requests = []

    class Watching(Login):
        def check_auth_none(self, username):
            requests.append(username)
            return super().check_auth_none(username)

        def check_auth_password(self, username, password):
            requests.append(password)
            return super().check_auth_password(username, password)

    known = tmp_path / "known_hosts"
    with EmbeddedServer(login=Watching) as stranger, EmbeddedServer() as device:
        key = f"{stranger.host_key.type} {stranger.host_key.base64}"
        known.write_text(f"@revoked r1 {key}\n" if revoked else "")
        listener = opened(device_of(device, known_hosts=known))
        called(listener, stranger)
        error = opened.refused.get(timeout=PATIENCE).error
        assert isinstance(error, SSHHostKeyRevokedError if revoked else UnknownDeviceError)
        assert error.sha256 == stranger.host_key.sha256
        # Closed with all its threads, the stranger has seen all that there was to see.
    assert requests == []


@pytest.mark.usefixtures("leaves_nothing")
def test_a_devices_password_goes_to_that_device_alone(opened):
    seen = {}

    def watching(name):
        class Watching(Login):
            def check_auth_password(self, username, password):
                seen.setdefault(name, []).append((username, password))
                return super().check_auth_password(username, password)

        return Watching

    with (
        EmbeddedServer(username="a", password="first", login=watching("r1")) as one,
        EmbeddedServer(username="b", password="second", login=watching("r2")) as two,
    ):
        listener = opened(device_of(one, "r1"), device_of(two, "r2"))
        for server in (two, one):
            called(listener, server)
        sessions = {
            session.device: session
            for session in (session_of(listener, opened), session_of(listener, opened))
        }
        assert set(sessions) == {"r1", "r2"}
        for session in sessions.values():
            session.close_session()
    assert seen == {"r1": [("a", "first")], "r2": [("b", "second")]}


@pytest.mark.usefixtures("leaves_nothing")
def test_a_wrong_password_is_a_refusal_that_names_the_device(opened):
    with EmbeddedServer() as server:
        listener = opened(device_of(server, password="wrong one"))
        called(listener, server)
        refusal = opened.refused.get(timeout=PATIENCE)
        assert isinstance(refusal.error, AuthenticationError)
        assert refusal.device == "r1"
        assert "wrong one" not in str(refusal)


# --- fifty at once -----------------------------------------------------------------------------


@pytest.fixture
def calling_devices():
    processes = []

    def make(**kinds):
        processes.append(CallingDevices(**kinds))
        return processes[-1]

    yield make
    for process in processes:
        process.kill()


@pytest.mark.usefixtures("leaves_nothing")
def test_fifty_devices_call_at_once_ten_of_them_hostile(opened, calling_devices):
    crowd = calling_devices(devices=40, strangers=3, silent=3, garbage=2, scanners=2)
    names = {f"r{number}": key for number, key in enumerate(crowd.device_keys)}
    login = {"username": "admin", "password": PASSWORD, "allow_agent": False}
    # Long enough for every device on a slow machine, for silent ones are waited for as long.
    listener = opened(
        *(
            Device(name=name, host_keys=key, look_for_keys=False, **login)
            for name, key in names.items()
        ),
        timeouts=Timeouts(handshake=8),
    )
    crowd.call(listener.port)

    sessions = [session_of(listener, opened) for _ in names]
    refusals = [opened.refused.get(timeout=PATIENCE) for _ in range(10)]

    assert {session.device for session in sessions} == set(names)
    for session in sessions:
        assert "<data" in session.rpc("<get/>").raw
    kinds = Counter(type(refusal.error) for refusal in refusals)
    assert kinds[UnknownDeviceError] == 3
    assert kinds[StepTimeoutError] == 3
    assert all(isinstance(refusal.error, ncwire.TransportError) for refusal in refusals)
    told = {
        refusal.error.sha256
        for refusal in refusals
        if isinstance(refusal.error, UnknownDeviceError)
    }
    assert told == {key.sha256 for key in crowd.stranger_keys}
    assert len({refusal.peer for refusal in refusals}) == 10
    assert all(refusal.device is None for refusal in refusals)

    listener.close()
    assert all(session.connected for session in sessions)
    for session in sessions:
        session.close()
    assert opened.refused.empty()
    assert crowd.end() == 0
