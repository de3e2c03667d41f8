"""Passwords asked for on the terminal: a pseudo-terminal here, with the command behind it."""

from __future__ import annotations

import pytest

from ncwire._cli.failures import Exit
from ncwire.testing import EmbeddedServer

PASSWORD = "correct horse"


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
