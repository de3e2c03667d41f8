"""Passwords asked for on the terminal: a pseudo-terminal here, with the command behind it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ncwire._cli.failures import Exit
from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "correct horse"
# Makes the pseudo-terminal on stderr the controlling terminal, without forking this process.
ON_THE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "ncwire", *sys.argv[1:]])
"""


class Terminal:
    """The user's side of a terminal that a command runs on."""

    def __init__(self, arguments: list[str]) -> None:
        self._master, slave = os.openpty()
        self.screen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_THE_TERMINAL, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in self.screen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} is not in {self.screen!r}")
        self.screen = self.screen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=30)
        while self._read(0):
            pass
        return self.process.returncode, out.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._master)

    def _read(self, timeout: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, timeout))[0]:
            return False
        try:
            piece = os.read(self._master, 4096)
        except OSError:  # Linux's end of file on a pseudo-terminal
            return False
        self.screen += piece.decode()
        return bool(piece)


@pytest.fixture
def on_terminal() -> Iterator[Callable[[list[str]], Terminal]]:
    terminals: list[Terminal] = []

    def on_terminal(arguments: list[str]) -> Terminal:
        terminals.append(Terminal(arguments))
        return terminals[-1]

    yield on_terminal
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def asking(login: list[str]) -> list[str]:
    return ["hello", *login[: login.index("--password-env")]]


def test_a_password_that_the_server_wants_is_asked_for(on_terminal, asking):
    terminal = on_terminal(asking)
    terminal.wait_for("Password for admin@127.0.0.1: ")
    terminal.type(f"{PASSWORD}\n")

    code, out = terminal.end()

    assert code == 0
    assert "session-id" in out
    assert PASSWORD not in out + terminal.screen


def test_a_wrong_password_is_asked_for_again_three_times_in_all(on_terminal, asking):
    terminal = on_terminal(asking)
    for question in ("Password for", "Permission denied. Password", "Permission denied. Password"):
        terminal.wait_for(question)
        terminal.type("wrong battery\n")

    code, _ = terminal.end()

    assert code == Exit.AUTHENTICATION
    assert "Password for" not in terminal.screen.partition("\n")[2]


def test_control_d_at_the_prompt_ends_it(on_terminal, asking):
    terminal = on_terminal(asking)
    terminal.wait_for("Password for")
    terminal.type("\x04")

    assert terminal.end()[0] == Exit.INTERRUPTED


@pytest.mark.parametrize("option", [["--no-prompt"], ["-o", "BatchMode=yes"]], ids=" ".join)
def test_a_user_who_does_not_want_to_be_asked_is_not(on_terminal, asking, option):
    terminal = on_terminal([*asking, *option])

    code, _ = terminal.end()

    assert code == Exit.AUTHENTICATION
    assert "Password for" not in terminal.screen


def test_no_user_is_asked_for_what_the_server_does_not_take(on_terminal, tmp_path):
    with EmbeddedServer(password=None, auth_methods=["publickey"]) as server:
        server.write_known_hosts(tmp_path / "keys-only")
        terminal = on_terminal(
            [
                *("hello", f"admin@{server.host}", "-p", str(server.port)),
                *("--known-hosts", str(tmp_path / "keys-only")),
            ]
        )
        code, _ = terminal.end()

    assert code == Exit.AUTHENTICATION
    assert "Password for" not in terminal.screen


def test_a_password_given_as_an_option_is_not_asked_for_again(on_terminal, login, monkeypatch):
    monkeypatch.setenv("SECRET", "wrong battery")
    arguments = [argument for argument in login if argument != "--no-prompt"]
    terminal = on_terminal(["hello", *arguments])

    code, _ = terminal.end()

    assert code == Exit.AUTHENTICATION
    assert "Password for" not in terminal.screen


def test_a_servers_own_prompts_reach_the_terminal(on_terminal, tmp_path):
    with EmbeddedServer(password=PASSWORD, auth_methods=["keyboard-interactive"]) as server:
        server.write_known_hosts(tmp_path / "interactive")
        terminal = on_terminal(
            [
                *("hello", f"admin@{server.host}", "-p", str(server.port)),
                *("--known-hosts", str(tmp_path / "interactive")),
            ]
        )
        terminal.wait_for(": ")
        terminal.type(f"{PASSWORD}\n")
        code, out = terminal.end()

    assert code == 0
    assert "session-id" in out
