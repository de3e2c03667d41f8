"""How the commands get in to a device: host keys, passwords and keys by option."""

from __future__ import annotations

import os
import subprocess

import pytest

from ncwire._cli.failures import Exit
from ncwire.driver import HostKey
from ncwire.testing import EmbeddedServer
from ncwire.testing.host_key import generate_host_key

# --- host keys ---------------------------------------------------------------------------------


def without_known_hosts(login: list[str], known_hosts: str) -> list[str]:
    at = login.index(known_hosts)
    return login[: at - 1] + login[at + 1 :]


def test_an_unknown_host_key_is_told_with_the_line_that_accepts_it(
    run, login, known_hosts, server, home
):
    arguments = without_known_hosts(login, known_hosts)

    code, out, err = run("hello", *arguments)

    assert (code, out) == (Exit.HOST_KEY, "")
    assert f"{server.host_key.type} {server.host_key.sha256}" in err
    assert f"--accept-host-key {server.host_key.sha256}" in err
    (line,) = [line.strip() for line in err.splitlines() if server.host_key.base64 in line]
    (home / ".ssh" / "known_hosts").write_text(line + "\n")
    assert run("hello", *arguments)[0] == 0


def test_an_unknown_host_key_is_accepted_by_its_fingerprint_only(
    run, login, known_hosts, server, home
):
    arguments = without_known_hosts(login, known_hosts)
    other = HostKey("ssh-ed25519", b"other").sha256

    assert run("hello", *arguments, "--accept-host-key", server.host_key.sha256)[0] == 0
    assert run("hello", *arguments, "--accept-host-key", other)[0] == Exit.HOST_KEY
    assert not (home / ".ssh" / "known_hosts").exists()


def test_a_changed_host_key_is_never_accepted(run, login, known_hosts, server, tmp_path):
    with EmbeddedServer(private_host_key=generate_host_key()) as other:
        key = other.host_key
    changed = tmp_path / "changed"
    changed.write_text(f"[{server.host}]:{server.port} {key.type} {key.base64}\n")
    arguments = [*without_known_hosts(login, known_hosts), "--known-hosts", str(changed)]

    code, _, err = run("hello", *arguments, "--accept-host-key", server.host_key.sha256)

    assert code == Exit.HOST_KEY
    assert "has changed" in err
    assert f"{changed}:1" in err


# --- ways in -----------------------------------------------------------------------------------


def test_a_wrong_password_is_an_authentication_failure_that_does_not_show_it(
    run, login, monkeypatch
):
    monkeypatch.setenv("SECRET", "wrong battery")

    code, out, err = run("hello", *login, "--debug")

    assert code == Exit.AUTHENTICATION
    assert "authentication: admin@127.0.0.1" in err
    assert "wrong battery" not in out + err


def test_a_password_variable_that_is_not_set_is_a_usage_error(run, login, monkeypatch):
    monkeypatch.delenv("SECRET")

    code, _, err = run("hello", *login)

    assert code == Exit.USAGE
    assert "no environment variable SECRET" in err


def by_fd(login: list[str], descriptor: int) -> list[str]:
    at = login.index("--password-env")
    return [*login[:at], *login[at + 2 :], "--password-fd", str(descriptor)]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\nsecond line\n"])
def test_a_password_from_a_file_descriptor(run, login, ending):
    reader, writer = os.pipe()
    os.write(writer, b"correct horse" + ending)
    os.close(writer)

    assert run("hello", *by_fd(login, reader))[0] == 0


def test_a_file_descriptor_that_has_no_password_is_a_usage_error(run, login):
    assert run("hello", *by_fd(login, 987))[0] == Exit.USAGE
    reader, writer = os.pipe()
    os.write(writer, b"\xff\xfe secret\n")
    os.close(writer)
    code, _, err = run("hello", *by_fd(login, reader), "--debug")
    assert code == Exit.USAGE
    assert "secret" not in err


@pytest.fixture
def encrypted(tmp_path) -> tuple[str, str]:
    """An encrypted key's file, and its public half."""
    key = tmp_path / "encrypted"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "opens the key", "-f", key], check=True
    )
    return str(key), key.with_suffix(".pub").read_text()


def test_the_passphrase_of_a_key_beside_a_password(run, encrypted, home, monkeypatch):
    key, public = encrypted
    with EmbeddedServer(password=None, authorized_keys=[public], username="noc") as server:
        server.write_known_hosts(home / ".ssh" / "known_hosts")
        command = ["hello", "noc@127.0.0.1", "-p", str(server.port), "-i", key, "--no-prompt"]
        monkeypatch.setenv("KEY", "opens the key")
        given = ["--password-env", "SECRET", "--passphrase-env", "KEY"]
        assert run(*command, *given)[0] == Exit.OK
        reader, writer = os.pipe()
        os.write(writer, b"opens the key\n")
        os.close(writer)
        assert run(*command, "--passphrase-fd", str(reader))[0] == Exit.OK
        code, _, err = run(*command, "--password-env", "SECRET")
        assert code == Exit.AUTHENTICATION
        assert "the password does not decrypt it; pass its passphrase as passphrase" in err
        assert "--passphrase-env" in err
        monkeypatch.delenv("KEY")
        assert run(*command, *given)[0] == Exit.USAGE


def test_a_key_that_cannot_be_used_is_a_warning_where_the_password_lets_in(run, encrypted, home):
    key, public = encrypted
    with EmbeddedServer(password="correct horse", authorized_keys=[public]) as server:
        server.write_known_hosts(home / ".ssh" / "known_hosts")
        login = [f"{server.username}@127.0.0.1", "-p", str(server.port), "-i", key]
        code, _, err = run("hello", *login, "--password-env", "SECRET")
    assert code == Exit.OK
    assert f"WARNING: ncwire.ssh.auth: admin@127.0.0.1: private key {key}: the password " in err


@pytest.mark.parametrize("driver", ["paramiko", "libssh2"])
@pytest.mark.parametrize("methods", [("password",), ("publickey", "password")])
def test_a_key_file_that_is_not_there_is_a_warning_where_the_password_lets_in(
    run, home, methods, driver
):
    key = str(home / "no_such_key")
    with EmbeddedServer(password="correct horse", auth_methods=methods) as server:
        server.write_known_hosts(home / ".ssh" / "known_hosts")
        login = [f"{server.username}@127.0.0.1", "-p", str(server.port), "-i", key]
        code, _, err = run("hello", *login, "--password-env", "SECRET", "--driver", driver)
    assert code == Exit.OK
    assert err == (
        f"ncwire: WARNING: ncwire.ssh.auth: admin@127.0.0.1: private key {key}: no such file; it "
        "was left out\n"
    )


def test_a_private_key_and_the_names_of_ssh(run, tmp_path, home):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text()
    with EmbeddedServer(password=None, authorized_keys=[public], username="noc") as server:
        server.write_known_hosts(home / ".ssh" / "known_hosts")
        port = str(server.port)
        ways = [
            ["noc@127.0.0.1", "-p", port, "-i", str(key)],
            ["127.0.0.1", "-l", "noc", "-p", port, "-i", str(key)],
            ["127.0.0.1", "-o", f"Port={port}", "-o", "User=noc", "-o", f"IdentityFile={key}"],
        ]
        config = tmp_path / "config"
        config.write_text(
            f"Host r1\n  HostName 127.0.0.1\n  Port {port}\n  User noc\n  IdentityFile {key}\n"
        )
        ways.append(["r1", "-F", str(config)])
        codes = [run("hello", *way)[0] for way in ways]
        (home / ".ssh" / "config").write_text(config.read_text())
        codes.append(run("hello", "r1")[0])
        without_file = run("hello", "r1.invalid", "-F", "none")[0]

    assert codes == [0] * len(codes)
    assert without_file == Exit.CONNECTION
