"""ProxyCommand: a process on the way to a real sshd, which is seen gone in the end."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attempts import aborted, begin, nothing_left, options_for
from ncwire import Session, Timeouts
from ncwire._protocol.capabilities import default_client_capabilities
from ncwire.errors import (
    ConnectError,
    HandshakeError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
)
from ncwire.testing.conformance.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.driver import ConnectOptions

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024
PATIENCE = 20.0

RELAY = """
import os, select, signal, socket, sys
host, port, *more = sys.argv[1:]
if "stubborn" in more:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not os.fork():
        os.closerange(0, 3)
        while True:
            signal.pause()
if "chatty" in more:
    for _ in range(5 * 1024):
        os.write(2, b"e" * 1023 + b"\\n")
if "fds" in more:
    os.write(2, " ".join(os.listdir("/proc/self/fd")).encode() + b"\\n")
print("pid", os.getpid(), os.getsid(0), os.getpgrp(), file=sys.stderr, flush=True)
sock = socket.create_connection((host, int(port)))
while True:
    for ready in select.select([0, sock], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else sock.recv(65536)
        if not data:
            while "stubborn" in more:
                signal.pause()
            sys.exit(0)
        if ready == 0:
            sock.sendall(data)
        else:
            while data:
                data = data[os.write(1, data):]
"""


@pytest.fixture
def relay(tmp_path, sshd):
    """Return a ProxyCommand that leads to the shared sshd."""
    script = tmp_path / "relay.py"
    script.write_text(RELAY)

    def relay(*more, port=sshd.port) -> str:
        return shlex.join([sys.executable, "-IS", str(script), sshd.host, str(port), *more])

    return relay


@pytest.fixture
def options(sshd):
    def options(command, **more) -> ConnectOptions:
        return options_for(sshd, proxy_command=command, **more)

    return options


@pytest.fixture
def connect(driver):
    sessions = []

    def connect(settings) -> Session:
        session = Session(default_client_capabilities())
        sessions.append(session)
        session.open(begin(driver, settings).run(), timeouts=settings.timeouts)
        return session

    yield connect
    for session in sessions:
        session.close()


@pytest.fixture
def refused(driver):
    """Connect, which must fail with this error and leave nothing."""

    def refused(settings, kind, match=None):
        before = Resources.now()
        with pytest.raises(kind, match=match) as caught:
            begin(driver, settings).run()
        assert nothing_left(before)
        return caught.value

    return refused


@pytest.mark.skipif(shutil.which("bash") is None, reason="the machine has no bash")
def test_bash_does_not_take_it_for_a_login_from_afar(
    connect, options, relay, tmp_path, monkeypatch
):
    read = tmp_path / "read"
    (tmp_path / ".bashrc").write_text(f"echo > {shlex.quote(str(read))}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", shutil.which("bash"))
    monkeypatch.delenv("SHLVL", raising=False)

    connect(options(relay())).close_session()

    assert not read.exists()


def test_a_session_through_a_command(connect, options, relay):
    before = Resources.now()
    session = connect(options(relay()))
    reply = session.rpc(f'<get-bytes n="{20 * MEGABYTE}"/>', timeout=100)
    assert len(reply.raw) > 20 * MEGABYTE
    session.close()
    assert nothing_left(before)


def test_opensshs_own_client_as_the_command(connect, options, sshd, make_sshd):
    if shutil.which("ssh") is None:
        pytest.skip("needs ssh (Debian package openssh-client)")
    bastion = make_sshd()
    command = (
        f"ssh -F none -i {bastion.client_key} -o UserKnownHostsFile={bastion.known_hosts} "
        f"-o BatchMode=yes -p {bastion.port} -W {sshd.host}:{sshd.port} {bastion.host}"
    )
    before = Resources.now()
    session = connect(options(command))
    assert session.rpc("<echo/>").message_id
    session.close()
    assert nothing_left(before)


def test_the_users_shell_runs_it(connect, options, relay, tmp_path, monkeypatch):
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    command = relay()
    assert connect(options(command)).connected
    assert (tmp_path / "asked").read_text() == f"-c exec {command}\n"


def test_it_is_alone_in_its_session_and_has_no_fds_of_ours(connect, options, relay, caplog):
    caplog.set_level("DEBUG", "ncwire")
    inherited = os.dup(0)
    os.set_inheritable(inherited, True)
    try:
        assert connect(options(relay("fds"))).connected
    finally:
        os.close(inherited)
    fds, ids = (line.split(": ", 1)[1] for line in caplog.messages if "ProxyCommand" in line)
    assert set(fds.split()) <= {"0", "1", "2", "3"}  # 3: of the listing itself
    pid, session, group = ids.split()[1:]
    assert pid == session == group


def test_however_much_it_says_on_stderr_it_is_not_held_up(connect, options, relay):
    assert connect(options(relay("chatty"))).connected


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sh -c 'echo one >&2; echo two >&2; exit 3'", r"\(sh\) ended with status 3: one; two$"),
        ("no-such-program", r"\(no-such-program\) ended with status 127: .*not found"),
        ("sh -c 'kill -9 $$'", r"\(sh\) was killed by SIGKILL$"),
        ("sh -c 'for i in 1 2 3 4 5; do echo $i >&2; done; false'", r"status 1: 3; 4; 5$"),
        ("'false'", r"ProxyCommand ended with status 1$"),
    ],
)
def test_a_command_that_fails_is_told_with_its_last_words(refused, options, command, words):
    refused(options(command), HandshakeError, match=words)


def test_a_command_that_cannot_reach_the_host(refused, options, relay):
    refused(options(relay(port=1)), HandshakeError, match="ended with status 1: .*refused")


def test_a_command_that_ends_well_and_too_early(refused, options):
    error = refused(options("true"), HandshakeError)
    assert "status" not in str(error)


def test_a_shell_that_is_not_there(refused, options, monkeypatch):
    monkeypatch.setenv("SHELL", "/no/such/shell")
    refused(options("true"), ConnectError, match="/no/such/shell cannot be started")


def test_a_command_with_a_nul(refused, options):
    refused(options("true\0"), OptionError, match="proxy_command")


def test_the_command_is_never_shown(refused, options, caplog):
    caplog.set_level("DEBUG")
    settings = options("sh -c 'exit 1' --password s3cret")
    error = refused(settings, HandshakeError)
    shown = str(error) + repr(error) + repr(settings) + caplog.text
    assert "s3cret" not in shown


def test_a_silent_command_costs_no_more_than_the_handshakes_budget(refused, options):
    settings = options("sleep 1000", timeouts=Timeouts(handshake=0.3))
    refused(settings, StepTimeoutError, match=r"0\.3 s")


def test_a_command_that_ignores_signals_is_killed_with_all_it_started(connect, options, relay):
    before = Resources.now()
    command = relay("stubborn")
    session = connect(options(command))
    pids = running(command)
    assert len(pids) == 2
    with ends_of(pids) as ends:
        session.close()
        for end in ends:
            assert select.select([end], [], [], PATIENCE)[0]
    assert nothing_left(before)
    assert not running(command)


@contextmanager
def ends_of(pids: list[int]) -> Iterator[list[int]]:
    """Yield a fd for each process, which is readable when that has ended (pidfd_open(2))."""
    ends = [os.pidfd_open(pid) for pid in pids]
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def test_close_from_another_thread_while_a_command_is_silent(driver, options, tmp_path):
    os.mkfifo(tmp_path / "started")
    attempt = begin(driver, options(f"sh -c 'echo > {tmp_path}/started; sleep 1000'"))
    before = Resources.now()
    error = aborted(attempt, (tmp_path / "started").read_text)
    assert isinstance(error, SessionCloseError)
    assert nothing_left(before)


def test_a_command_that_dies_ends_the_session_and_says_so(connect, options, relay):
    before = Resources.now()
    session = connect(options(relay()))
    (pid,) = running(relay())
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SessionCloseError, match=r"ProxyCommand .* was killed by SIGKILL"):
        session.rpc("<echo/>", timeout=30)
    session.join(10)
    assert nothing_left(before)


def test_a_command_on_the_way_to_a_jump_host(connect, options, relay, make_sshd):
    device = make_sshd()
    settings = options(
        None, host=device.host, port=device.port, known_hosts=(str(device.known_hosts),),
        jumps=(options(relay()),),
    )  # fmt: skip
    before = Resources.now()
    session = connect(settings)
    assert session.rpc("<echo/>").message_id
    (pid,) = running(relay())
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SessionCloseError, match=r"ProxyCommand .* was killed by SIGKILL"):
        session.rpc("<echo/>", timeout=30)
    session.join(10)
    assert nothing_left(before)


def test_a_command_to_a_jump_host_that_fails_names_both(refused, options, make_sshd):
    device = make_sshd()
    settings = options(None, host=device.host, port=device.port, jumps=(options("false"),))
    error = refused(settings, HandshakeError, match=r"\(false\) ended with status 1")
    assert error.jump_host is not None


def running(words: str) -> list[int]:
    """Return the pids of processes with these words in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if words in command and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found
