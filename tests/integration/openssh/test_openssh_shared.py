"""One ssh for many sessions: the driver options control_path and control_persist."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import ncwire
from ncwire.errors import OptionError, SSHError, SSHHostKeyMismatchError, UnsupportedOption
from servers.keyring import public
from waiting import eventually

pytestmark = pytest.mark.sshd


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="ncwire-shared-") as name:
        path = Path(name)
        yield path
        for sock in path.glob("*"):
            subprocess.run(
                ["ssh", "-S", sock, "-O", "exit", "x"], check=False, capture_output=True
            )


@pytest.fixture
def shared(folder):
    return {"driver_options": {"control_path": folder / "%C"}}


def logins(server):
    return server.log().count("Accepted publickey")


def sockets(folder):
    return [path for path in folder.iterdir() if path.is_socket()]


def test_many_sessions_share_one_login(connect, make_sshd, folder, shared):
    server = make_sshd()
    sessions = [connect(server, **shared) for _ in range(3)]
    for session in sessions:
        assert session.rpc("<echo><a/></echo>").raw
    assert logins(server) == 1
    assert len({session.transport.pid for session in sessions}) == 1
    assert len(sockets(folder)) == 1


def test_the_connection_outlives_the_session_that_opened_it(connect, make_sshd, shared):
    server = make_sshd()
    first, second = connect(server, **shared), connect(server, **shared)
    first.close()
    assert "<a/>" in second.rpc("<echo><a/></echo>").raw
    second.close()
    assert connect(server, **shared).connected
    assert logins(server) == 1


def test_another_process_uses_it(connect, make_sshd, folder, shared):
    server = make_sshd()
    program = f"""
import ncwire
with ncwire.connect("{server.host}", port={server.port}, username="{server.user}",
                    known_hosts={str(server.known_hosts)!r}, driver="openssh",
                    key_filename={str(server.client_key)!r}, allow_agent=False,
                    driver_options={{"control_path": "{folder}/%C"}}) as session:
    print(session.rpc("<echo><b/></echo>").raw)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert "<b/>" in done.stdout, done.stderr
    assert connect(server, **shared).connected
    assert logins(server) == 1


def test_it_ends_by_itself_after_its_last_session(connect, make_sshd, folder):
    server = make_sshd()
    options = {"control_path": folder / "%C", "control_persist": 5}
    connect(server, driver_options=options).close()
    eventually(lambda: not server.sessions(), lambda: "the connection is still there")
    assert connect(server, driver_options=options).connected
    assert logins(server) == 2


def test_a_host_key_is_judged_by_each_sessions_own_options(connect, make_sshd, shared, key_ring):
    server = make_sshd()
    assert connect(server, **shared).connected
    pinned = public(key_ring.key("somebody-elses")).split()[1]
    with pytest.raises(SSHHostKeyMismatchError):
        connect(server, hostkey_b64=pinned, **shared)
    assert logins(server) == 1


def test_a_connection_that_ssh_has_opened_is_used(connect, make_sshd, folder):
    server = make_sshd()
    control = folder / f"{server.host}-{server.port}-{server.user}"
    command = ["ssh", "-F", "none", "-fNM", "-S", control, "-o", "ControlPersist=20"]
    command += ["-o", f"UserKnownHostsFile={server.known_hosts}", "-i", server.client_key]
    command += ["-p", str(server.port), f"{server.user}@{server.host}"]
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    options = {"control_path": folder / "%h-%p-%r"}
    assert connect(server, driver_options=options).connected
    assert logins(server) == 1
    pinned = public(server.host_keys["ed25519"]).split()[1]
    with pytest.raises(SSHError, match="host key"):
        connect(server, hostkey_b64=pinned, driver_options=options)


def test_a_socket_that_nobody_listens_at_is_made_anew(connect, make_sshd, folder):
    server = make_sshd()
    control = folder / f"{server.host}-{server.port}-{server.user}"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(control))
    options = {"control_path": folder / "%h-%p-%r"}
    assert connect(server, driver_options=options).connected
    assert connect(server, driver_options=options).connected
    assert logins(server) == 1


def test_a_path_that_hosts_would_share_is_refused(connect, sshd, folder):
    with pytest.raises(UnsupportedOption, match="%C"):
        connect(sshd, driver_options={"control_path": folder / "one-for-all"})


def test_a_folder_that_is_missing_is_told(connect, sshd, folder):
    with pytest.raises(UnsupportedOption, match=r"there is no folder .*/missing"):
        connect(sshd, driver_options={"control_path": folder / "missing" / "%C"})


def test_jumps_and_a_shared_connection_exclude_each_other(connect, sshd, shared):
    with pytest.raises(UnsupportedOption, match="control_path"):
        connect(sshd, jumps=["somewhere"], **shared)


def test_an_unknown_option_names_those_that_there_are(connect, sshd):
    with pytest.raises(OptionError, match="control_path"):
        connect(sshd, driver_options={"control_pat": "x"})


def test_a_refused_channel_leaves_the_connection_to_the_others(connect, make_sshd, shared):
    server = make_sshd()
    session = connect(server, **shared)
    for _ in range(3):
        with pytest.raises(ncwire.errors.ChannelError, match="no-such"):
            connect(server, subsystems=["no-such"], **shared)
    assert session.rpc("<echo><c/></echo>").raw
    assert logins(server) == 1


def test_what_is_written_is_for_this_user_alone(connect, make_sshd, folder, shared):
    connect(make_sshd(), **shared)
    for path in folder.iterdir():
        assert not path.stat().st_mode & 0o077 or path.is_socket()
        assert path.stat().st_uid == os.geteuid()
