"""Secrets: read from where the inventory says they are, and shown nowhere."""

from __future__ import annotations

import logging
import os
import sys
import types
from pathlib import Path

import pytest

from ncwire.errors import SecretError
from ncwire.inventory.references import reference

SECRET = "correct horse"
PYTHON = sys.executable


def read(given: object, folder: Path = Path("/")) -> str:
    return reference(given, folder).read()


def refused(given: object, folder: Path = Path("/")) -> str:
    with pytest.raises(SecretError) as raised:
        read(given, folder)
    assert SECRET not in str(raised.value)
    assert raised.value.__context__ is None or SECRET not in str(raised.value.__context__)
    return str(raised.value)


def command(code: str, **more: object) -> dict[str, object]:
    return {"command": [PYTHON, "-c", code], **more}


def test_an_environment_variable(monkeypatch):
    monkeypatch.setenv("NETCONF_PASSWORD", SECRET)
    assert read({"env": "NETCONF_PASSWORD"}) == SECRET
    monkeypatch.setenv("NETCONF_PASSWORD", "")
    assert refused({"env": "NETCONF_PASSWORD"}).endswith("NETCONF_PASSWORD: it is empty")
    monkeypatch.delenv("NETCONF_PASSWORD")
    assert refused({"env": "NETCONF_PASSWORD"}).endswith("there is no such variable")


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\n", f"{SECRET}\r\nnotes: ...\n"])
def test_the_first_line_of_a_file(tmp_path, content):
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    path.chmod(0o600)
    assert read({"file": "secret"}, tmp_path) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(mode)
    said = refused({"file": "secret"}, tmp_path)
    assert f"permissions {mode:04o} let others read it: run chmod 600 {path}" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")
def test_a_file_of_another_user_is_that_users_business(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o444)
    os.chown(path, 1, 1)
    assert read({"file": "secret"}, tmp_path) == SECRET


def test_a_file_that_cannot_be_used(tmp_path):
    assert refused({"file": "none"}, tmp_path).endswith(
        f"{tmp_path}/none: No such file or directory"
    )
    path = tmp_path / "secret"
    path.touch(0o600)
    for content, problem in {
        b"": "its first line is empty",
        b"\n" + SECRET.encode(): "its first line is empty",
        b"\xff": "is not UTF-8",
        b"x" * 5000: "its first line is longer than 4096 bytes",
    }.items():
        path.write_bytes(content)
        assert refused({"file": "secret"}, tmp_path).endswith(problem)


def test_the_first_line_of_a_commands_output():
    assert read(command(f"print({SECRET!r}); print('more')")) == SECRET


def test_a_failed_command_is_told_without_its_output_or_arguments(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    code = f"import sys; print({SECRET!r}); print({SECRET!r}, file=sys.stderr); sys.exit(3)"
    said = refused(command(code))
    assert said == f"command {PYTHON}: failed with exit status 3"
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
    assert "failed with signal 15" in refused(command("import os; os.kill(os.getpid(), 15)"))
    assert refused({"command": ["/nowhere/at-all"]}).endswith(
        "cannot be run: No such file or directory"
    )


def test_a_command_has_no_user_to_ask():
    reader, writer = os.pipe()
    os.write(writer, b"what the user types\n")
    ours = os.dup(0)
    os.dup2(reader, 0)
    try:
        assert refused(command("print(input())")).endswith("failed with exit status 1")
    finally:
        os.dup2(ours, 0)
        for descriptor in (reader, writer, ours):
            os.close(descriptor)


def test_a_command_that_does_not_end_is_killed_with_all_that_it_started(tmp_path):
    fifo = tmp_path / "held"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3>{fifo}; echo begun >&3; sleep 60 & wait"
    said = refused({"command": ["/bin/sh", "-c", script], "timeout": 2})
    assert said == "command /bin/sh: did not end within 2 s"
    os.set_blocking(reader, True)
    with open(reader, "rb") as held:  # noqa: PTH123 - a descriptor
        # Its end comes when no process holds it any more: neither the shell nor what that started.
        assert held.read() == b"begun\n"


def test_the_keyring(monkeypatch):
    kept = {("netconf", "admin"): SECRET}
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, user: kept.get((service, user))
    monkeypatch.setitem(sys.modules, "keyring", keyring)

    assert read({"keyring": "netconf", "username": "admin"}) == SECRET
    said = refused({"keyring": "netconf", "username": "root"})
    assert said.endswith("has none: run keyring set netconf root")

    def locked(_service: str, _user: str) -> None:
        raise RuntimeError(f"locked: {SECRET}")

    keyring.get_password = locked
    said = refused({"keyring": "netconf", "username": "admin"})
    assert said.endswith("the keyring raised RuntimeError")


def test_without_the_keyrings_package_the_command_that_mends_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    said = refused({"keyring": "netconf", "username": "admin"})
    assert said.endswith("the package keyring is not installed: pip install keyring")


def test_no_representation_has_a_secret(monkeypatch, tmp_path):
    monkeypatch.setenv("NETCONF_PASSWORD", SECRET)
    arguments = ["vault", f"--token={SECRET}"]
    for given in ({"env": "NETCONF_PASSWORD"}, {"command": arguments}, {"file": "x"}):
        secret = reference(given, tmp_path)
        assert SECRET not in repr(secret) + str(secret)
