"""What the driver openssh starts ends with what it was started for, however that ends."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import ncwire
from ncwire import Algorithms, Timeouts
from ncwire.errors import SessionCloseError, StepTimeoutError
from waiting import eventually

pytestmark = pytest.mark.sshd


def children(pid: int) -> list[int]:
    """Return the pids of a process's descendants, zombies among them."""
    own = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for child in own for each in (child, *children(child))]


def alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


PROGRAM = """
    import os, sys, ncwire
    host, port, user, key, known_hosts = sys.argv[1:6]
    session = ncwire.connect(
        host, port=int(port), username=user, key_filename=key, known_hosts=known_hosts,
        allow_agent=False, driver="openssh",
    )
    print(session.transport.pid, flush=True)
"""


@pytest.fixture
def in_another_process(sshd):
    """Start a program that has a session; return it, and the pid of its ssh."""
    started = []

    def in_another_process(then: str) -> tuple[subprocess.Popen[str], int]:
        program = textwrap.dedent(PROGRAM) + then
        arguments = [sshd.host, sshd.port, sshd.user, sshd.client_key, sshd.known_hosts]
        process = subprocess.Popen(
            [
                # Python's own warning that fork and threads do not go together.
                *(sys.executable, "-W", "ignore::DeprecationWarning"),
                *("-c", program, *map(str, arguments)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, int(process.stdout.readline())

    yield in_another_process
    for process in started:
        process.kill()
        process.communicate()


def test_ssh_ends_with_the_process_even_if_that_is_killed(in_another_process):
    process, pid = in_another_process("sys.stdin.read()")
    with_end = os.pidfd_open(pid)
    try:
        process.kill()
        assert select.select([with_end], [], [], 20)[0]
    finally:
        os.close(with_end)


@pytest.mark.parametrize("then", ["", "os._exit(0)", "raise SystemExit(0)"])
def test_a_process_that_ends_with_an_open_session_ends_quietly(in_another_process, then):
    process, pid = in_another_process(then)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "")
    eventually(lambda: not alive(pid))


@pytest.mark.parametrize("options", ["", "control_path='/tmp/ncwire-%h-%p-%r'"])
def test_a_process_that_is_killed_while_it_connects_leaves_no_files(options):
    program = textwrap.dedent(f"""
        import sys, ncwire
        ncwire.connect("127.0.0.1", port=int(sys.argv[1]), username="nobody", driver="openssh",
                       driver_options=dict({options}))
    """)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        tempfile.TemporaryDirectory(prefix="ncwire-killed-") as name,
    ):
        folder = Path(name)
        process = subprocess.Popen(
            [sys.executable, "-c", program.replace("/tmp", name), str(silent.getsockname()[1])],
            env=os.environ | {"TMPDIR": name},
        )
        try:
            silent.settimeout(30)
            caller, _ = silent.accept()
            with caller:
                assert list(folder.iterdir())
                process.kill()
                eventually(lambda: not list(folder.iterdir()), lambda: list(folder.iterdir()))
        finally:
            process.kill()
            process.wait()


def test_a_child_that_ends_leaves_the_session_to_its_parent(in_another_process):
    process, _ = in_another_process(
        "if not os.fork(): del session; sys.exit(0)\n"
        "os.wait(); print(len(session.rpc('<echo><x/></echo>').raw) > 0); session.close()"
    )
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out.strip(), told) == (0, "True", "")


def test_closed_and_dropped_sessions_leave_no_process(connect, sshd):
    before = children(os.getpid())
    for _ in range(3):
        connect(sshd).close()
    eventually(lambda: children(os.getpid()) == before, lambda: children(os.getpid()))


def test_a_channel_that_is_dropped_ends_its_ssh(sshd, driver):
    session = ncwire.connect(
        sshd.host,
        port=sshd.port,
        username=sshd.user,
        key_filename=str(sshd.client_key),
        known_hosts=str(sshd.known_hosts),
        allow_agent=False,
        driver=driver,
    )
    pid = session.transport.pid
    session.close()
    del session
    gc.collect()
    eventually(lambda: not alive(pid))


def test_an_ssh_that_is_killed_ends_the_session(connect, sshd):
    session = connect(sshd)
    os.kill(session.transport.pid, signal.SIGKILL)
    with pytest.raises(SessionCloseError):
        session.rpc("<echo/>", timeout=30)


def test_what_the_server_says_at_the_end_is_told(connect, make_sshd):
    server = make_sshd()
    session = connect(server)
    server.kill()
    with pytest.raises(SessionCloseError) as caught:
        session.rpc("<echo/>", timeout=30)
    assert "ssh" in str(caught.value)


def test_a_silent_server_costs_no_more_than_the_handshakes_budget(connect, sshd):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = SimpleNamespace(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            user=sshd.user,
            client_key=sshd.client_key,
            known_hosts=sshd.known_hosts,
        )
        with pytest.raises(StepTimeoutError, match="handshake"):
            connect(silent, timeouts=Timeouts(handshake=0.3))


def test_a_log_that_nobody_reads_for_long_does_not_stop_the_session(connect, make_sshd):
    """The server exchanges keys so often that ssh logs more than a pipe holds."""
    # The usual key exchange of OpenSSH's takes a hundred milliseconds on a busy machine.
    quick = Algorithms(kex=("curve25519-sha256",))
    session = connect(make_sshd(config="RekeyLimit 64K"), algorithms=quick)
    for _ in range(4):
        assert len(session.rpc('<get-bytes n="1000000"/>', timeout=100).raw) > 1_000_000


def test_a_keepalive_is_answered_by_a_server_that_says_nothing_else(connect, sshd):
    session = connect(sshd, keepalive=0.05, keepalive_count=40)
    with pytest.raises(TimeoutError):
        session.rpc("<silent/>", timeout=1)
    assert session.connected


def test_a_server_that_asks_is_answered(connect, make_sshd):
    """sshd ends a connection whose client does not answer its ClientAlive messages."""
    server = make_sshd(config="ClientAliveInterval 1\nClientAliveCountMax 1")
    session = connect(server)
    with pytest.raises(TimeoutError):
        session.rpc("<silent/>", timeout=4)
    assert session.rpc("<echo/>").message_id


@pytest.mark.parametrize("forks", [False, True])
def test_an_ssh_whose_start_is_interrupted_ends(connect, sshd, monkeypatch, forks):
    """As by Ctrl-C, when it runs and nobody has been told of it yet."""
    begun, copies = [], []

    class Interrupted(subprocess.Popen):
        def __init__(self, words, **settings):
            super().__init__(words, **settings)
            begun.append(self)
            if forks:  # a copy of the process has its fds
                copies.append(os.fork())
                if not copies[-1]:
                    time.sleep(60)
                    os._exit(0)
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            connect(sshd)
    (ssh,) = begun
    try:
        eventually(lambda: not alive(ssh.pid))
    finally:
        for copy in copies:
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)
    # Python would warn of it in the middle of another test, when it is collected.
    with ssh:
        pass
