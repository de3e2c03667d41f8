"""One ssh for many sessions: the driver options control_path and control_persist."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
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


def by_ssh(server, control):
    """Have ssh open a connection that is shared."""
    command = ["ssh", "-F", "none", "-fN", "-S", control, "-o", "ControlMaster=auto"]
    command += ["-o", "ControlPersist=20"]
    command += ["-o", f"UserKnownHostsFile={server.known_hosts}", "-i", server.client_key]
    command += ["-p", str(server.port), f"{server.user}@{server.host}"]
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


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


def test_the_socket_may_be_on_another_disk_than_temporary_files(connect, make_sshd):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("needs /dev/shm, and temporary files elsewhere")
    server = make_sshd()
    with tempfile.TemporaryDirectory(dir=memory) as name:
        options = {"control_path": f"{name}/%C", "control_persist": 5}
        sessions = [connect(server, driver_options=options) for _ in range(2)]
        assert logins(server) == 1
        assert len(sockets(Path(name))) == 1
        for session in sessions:
            session.close()


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


def test_a_connection_that_ssh_has_opened_is_used_only_where_no_key_is_verified(
    connect, make_sshd, folder
):
    """Nobody knows whether ssh has verified it: it may have been told not to."""
    server = make_sshd()
    by_ssh(server, folder / f"{server.host}-{server.port}-{server.user}")
    options = {"control_path": folder / "%h-%p-%r"}
    with pytest.raises(SSHError, match="which host key"):
        connect(server, driver_options=options)
    pinned = public(server.host_keys["ed25519"]).split()[1]
    with pytest.raises(SSHError, match="which host key"):
        connect(server, hostkey_b64=pinned, driver_options=options)
    assert connect(server, hostkey_verify=False, driver_options=options).connected
    assert logins(server) == 1


def test_a_host_key_counts_for_the_connection_alone_that_it_was_noted_of(
    connect, make_sshd, folder
):
    server = make_sshd()
    options = {"control_path": folder / "%h-%p-%r"}
    pinned = public(server.host_keys["ed25519"]).split()[1]
    session = connect(server, hostkey_b64=pinned, driver_options=options)
    assert connect(server, hostkey_b64=pinned, driver_options=options).connected
    os.kill(session.transport.pid, signal.SIGKILL)
    eventually(lambda: not server.sessions(), lambda: "the connection is still there")
    by_ssh(server, folder / f"{server.host}-{server.port}-{server.user}")
    with pytest.raises(SSHError, match="not known"):
        connect(server, hostkey_b64=pinned, driver_options=options)


def test_a_link_to_the_socket_of_another_connection_is_refused(connect, make_sshd, folder):
    server, other = make_sshd(), make_sshd()
    options = {"control_path": folder / "%h-%p-%r"}
    assert connect(other, driver_options=options).connected
    (elsewhere,) = sockets(folder)
    (folder / f"{server.host}-{server.port}-{server.user}").symlink_to(elsewhere)
    with pytest.raises(SSHError, match="no socket"):
        connect(server, driver_options=options)


def test_a_connection_that_takes_nobody_in_is_not_waited_for(connect, make_sshd, folder):
    server = make_sshd()
    control = folder / f"{server.host}-{server.port}-{server.user}"
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as first:
        full.bind(str(control))
        full.listen(0)
        first.connect(str(control))
        began = time.monotonic()
        options = {"control_path": folder / "%h-%p-%r"}
        session = connect(server, driver_options=options, timeout=15)
        assert session.connected
        assert time.monotonic() - began < 15


def test_a_socket_that_nobody_listens_at_is_made_anew(connect, make_sshd, folder):
    server = make_sshd()
    control = folder / f"{server.host}-{server.port}-{server.user}"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(control))
    options = {"control_path": folder / "%h-%p-%r"}
    assert connect(server, driver_options=options).connected
    assert connect(server, driver_options=options).connected
    assert logins(server) == 1


@pytest.mark.parametrize("name", ["one-for-all", "%%C", "%%h-%%p-%%r", "%h-%p-%%r"])
def test_a_path_that_hosts_would_share_is_refused(connect, sshd, folder, name):
    with pytest.raises(OptionError, match="control_path: needs %C"):
        connect(sshd, driver_options={"control_path": folder / name})


def test_a_connection_that_is_given_and_a_shared_one_exclude_each_other(connect, sshd, shared):
    with (
        socket.create_connection((sshd.host, sshd.port)) as sock,
        pytest.raises(UnsupportedOption, match="control_path"),
    ):
        connect(sshd, sock=sock, **shared)


def test_a_folder_that_is_missing_is_told(connect, sshd, folder):
    with pytest.raises(OptionError, match=r"control_path: there is no folder .*/missing"):
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


def test_a_time_that_is_too_short_for_a_shared_connection_is_refused(connect, make_sshd, folder):
    server = make_sshd()
    with pytest.raises(OptionError, match=r"control_persist: 2 s is too short.* give 5 or more"):
        connect(server, driver_options={"control_path": folder / "%C", "control_persist": 2})
    assert logins(server) == 0
