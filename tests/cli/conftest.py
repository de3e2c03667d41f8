"""The command's surroundings: a server, a home of its own, and no agent or password."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pseudo_terminal import Terminal

from ncwire._cli import main
from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire.testing import ServerProcess

PASSWORD = "correct horse"
MARK = "NCWIRE_BENCH_MARK"


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    with EmbeddedServer.spawn(password=PASSWORD) as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without keys, configuration or known hosts, and no agent."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "NCWIRE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRET", PASSWORD)
    return home


@pytest.fixture
def known_hosts(server: ServerProcess, tmp_path: Path) -> str:
    path = tmp_path / "known_hosts"
    server.write_known_hosts(path)
    return str(path)


@pytest.fixture
def login(server: ServerProcess, known_hosts: str) -> list[str]:
    """The arguments that lead to the server, by password."""
    return [
        f"{server.username}@{server.host}",
        "-p",
        str(server.port),
        "--known-hosts",
        known_hosts,
        "--password-env",
        "SECRET",
        "--no-prompt",
    ]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process. Returns its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            code = main(arguments)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def _terminal_signals() -> Iterator[None]:
    """SIGINT as on a terminal: what a shell starts in the background ignores it, and so do all
    that it starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(_terminal_signals: None) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(arguments: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, "-m", "ncwire", *arguments],
            **(pipes | options),  # type: ignore[arg-type]
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def left_behind(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Return the pids of the processes that what this test starts has started, and still run."""
    mark = f"{MARK}={os.getpid()}-{id(monkeypatch)}".encode()
    name, _, value = mark.decode().partition("=")
    monkeypatch.setenv(name, value)

    def pids() -> list[int]:
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            try:
                marked = mark in (each / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if marked:
                found.append(int(each.name))
        return found

    return pids


@pytest.fixture
def on_terminal() -> Iterator[Callable[[list[str]], Terminal]]:
    terminals: list[Terminal] = []

    def on_terminal(arguments: list[str]) -> Terminal:
        terminals.append(Terminal(arguments))
        return terminals[-1]

    yield on_terminal
    for terminal in terminals:
        terminal.close()
