"""Host keys: what is known to ncclient is known, and what is refused on purpose stays refused."""

from __future__ import annotations

import base64
import hashlib
import socket
import tempfile
from io import StringIO

import paramiko
import pytest
from drop_in_arguments import arguments_for
from ncclient import manager, transport
from ncclient.transport import errors as theirs

from ncwire.errors import SSHHostKeyChangedError, SSHHostKeyRevokedError, StepTimeoutError
from ncwire.testing.host_key import generate_host_key


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without known hosts."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def session(installed):
    found = transport.SSHSession(manager.make_device_handler({"name": "default"}))
    yield found
    found.close()


def anything(host, fingerprint):
    return True


def changed(server):
    """Return another key of the server's own type, for one of another type says nothing of it."""
    key = paramiko.Ed25519Key.from_private_key(StringIO(generate_host_key()))
    assert server.host_key.base64 != key.get_base64()
    return key


def test_the_users_own_known_hosts(session, server, home):
    server.write_known_hosts(home / ".ssh" / "known_hosts")
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected


def test_a_file_that_is_loaded_is_added_to_them(session, server, home):
    server.write_known_hosts(home / ".ssh" / "known_hosts")
    other = home / "other"
    key = changed(server)
    other.write_text(f"other.example.net {key.get_name()} {key.get_base64()}\n")
    session.load_known_hosts(str(other))
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected


def test_a_file_that_is_loaded_is_enough(session, server, home):
    known_hosts = home / "loaded"
    server.write_known_hosts(known_hosts)
    session.load_known_hosts(str(known_hosts))
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected


def test_an_unknown_host_that_the_callback_accepts(session, server, home):
    asked = []

    def accept(host, fingerprint):
        asked.append((host, fingerprint))
        return True

    session.connect(**arguments_for(server, hostkey_verify=True, unknown_host_cb=accept))
    assert session.connected
    key = base64.b64decode(server.host_key.base64)
    digest = hashlib.md5(key, usedforsecurity=False).digest()
    assert asked == [(server.host, digest.hex(":"))]  # not as known_hosts has its name


@pytest.mark.parametrize(
    ("mark", "kind"), [("", SSHHostKeyChangedError), ("@revoked ", SSHHostKeyRevokedError)]
)
def test_a_key_that_has_changed_or_is_revoked_is_refused_on_purpose(
    session, server, home, mark, kind
):
    known_hosts = home / ".ssh" / "known_hosts"
    if mark:
        known_hosts.write_text(f"{mark}{server.known_hosts_line()}\n")
    else:
        key = changed(server)
        name = f"[{server.host}]:{server.port}"
        known_hosts.write_text(f"{name} {key.get_name()} {key.get_base64()}\n")
    with pytest.raises(theirs.SSHUnknownHostError, match=r"^Unknown host key \[") as raised:
        session.connect(**arguments_for(server, hostkey_verify=True, unknown_host_cb=anything))
    assert isinstance(raised.value, kind)


def test_a_server_that_says_nothing(session, server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        arguments = arguments_for(server, port=silent.getsockname()[1], timeout=0.5)
        with pytest.raises(theirs.SSHError, match=r"^Negotiation failed") as raised:
            session.connect(**arguments)
    assert isinstance(raised.value, StepTimeoutError)


CERTIFICATES = "@cert-authority *.example.net"
REVOKED = "@revoked *"


@pytest.mark.parametrize("by_name", [True, False], ids=["a file by name", "the user's own"])
def test_a_file_with_lines_that_only_openssh_knows(session, server, home, by_name):
    key = changed(server)
    line = f"{key.get_name()} {key.get_base64()}"
    known_hosts = home / ("loaded" if by_name else ".ssh/known_hosts")
    known_hosts.write_text(
        f"{CERTIFICATES} {line}\n{REVOKED} {line}\n{server.known_hosts_line()}\n"
        f"broken ssh-ed25519 AAAAC\ntwo.example.net  {line} caf\u00e9\n",
        encoding="latin-1",
    )
    session.load_known_hosts(*[str(known_hosts)] if by_name else [])

    known = session._host_keys  # as programs look at it
    assert isinstance(known, paramiko.HostKeys)
    assert list(known) == [f"[{server.host}]:{server.port}", "two.example.net"]
    assert known.check("two.example.net", key)
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected


def test_a_revoked_key_of_a_file_that_is_loaded_is_refused(session, server, home):
    known_hosts = home / "loaded"
    line = server.known_hosts_line()
    known_hosts.write_text(f"{line}\n@revoked {line}\n")
    session.load_known_hosts(known_hosts)
    with pytest.raises(SSHHostKeyRevokedError):
        session.connect(**arguments_for(server, hostkey_verify=True))


def test_a_file_to_load_that_is_not_there(installed, home):
    session = transport.SSHSession(manager.make_device_handler({"name": "default"}))
    with pytest.raises(FileNotFoundError):
        session.load_known_hosts(str(home / "none"))
    session.load_known_hosts()  # and the user's own need not be
    assert list(session._host_keys) == []


def paramiko_key(server):
    return paramiko.Ed25519Key(data=base64.b64decode(server.host_key.base64))


@pytest.mark.parametrize("with_port", [True, False])
def test_a_key_that_the_program_adds_is_known(session, server, home, with_port):
    name = f"[{server.host}]:{server.port}" if with_port else server.host
    session._host_keys.add(name, "ssh-ed25519", paramiko_key(server))
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected


def test_it_is_known_beside_the_users_own_and_a_file_that_is_loaded(session, server, home):
    server.write_known_hosts(home / ".ssh" / "known_hosts")
    loaded = home / "loaded"
    key = changed(server)
    loaded.write_text(f"two.example.net {key.get_name()} {key.get_base64()}\n")
    session.load_known_hosts(str(loaded))
    session._host_keys.add("three.example.net", "ssh-ed25519", changed(server))
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected


def test_another_key_than_the_one_that_was_added_is_refused(session, server, home):
    session._host_keys.add(f"[{server.host}]:{server.port}", "ssh-ed25519", changed(server))
    with pytest.raises(SSHHostKeyChangedError, match="the program's _host_keys") as raised:
        session.connect(**arguments_for(server, hostkey_verify=True, unknown_host_cb=anything))
    assert "/tmp" not in str(raised.value)


@pytest.mark.parametrize("filename", ["known_hosts", "known_hosts2"])
def test_a_revoked_key_stays_refused_where_the_program_adds_it(session, server, home, filename):
    (home / ".ssh" / filename).write_text(f"@revoked {server.known_hosts_line()}\n")
    session._host_keys.add(server.host, "ssh-ed25519", paramiko_key(server))
    with pytest.raises(SSHHostKeyRevokedError):
        session.connect(**arguments_for(server, hostkey_verify=True, unknown_host_cb=anything))


@pytest.mark.parametrize("name", ["*", "?*", "!none.example.net,*", "x\n*", "@cert-authority"])
def test_a_name_that_is_added_is_no_pattern(session, server, home, name):
    session._host_keys.add(name, "ssh-ed25519", paramiko_key(server))
    with pytest.raises(theirs.SSHUnknownHostError):
        session.connect(**arguments_for(server, hostkey_verify=True))


def test_what_a_file_has_no_more_is_not_taken_for_added(session, server, home):
    loaded = home / "loaded"
    server.write_known_hosts(loaded)
    session.load_known_hosts(str(loaded))
    loaded.write_text("")
    assert list(session._host_keys)
    with pytest.raises(theirs.SSHUnknownHostError):
        session.connect(**arguments_for(server, hostkey_verify=True))


def test_keys_that_are_added_leave_no_file(session, server, home, monkeypatch, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    session._host_keys.add(server.host, "ssh-ed25519", paramiko_key(server))
    session.connect(**arguments_for(server, hostkey_verify=True))
    assert session.connected
    assert list(folder.iterdir()) == []
