"""`ncwire hello` and `ncwire rpc` against a server, from the command line to the exit code."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ncwire._cli.failures import Exit
from ncwire._protocol.messages import BASE_NS
from ncwire.driver import HostKey
from ncwire.testing import EmbeddedServer
from ncwire.testing.host_key import generate_host_key

if TYPE_CHECKING:
    from ncwire.testing import ChannelStream

SUBSCRIPTION = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
EDIT = (
    "<edit-config><target><running/></target><config>"
    '<top xmlns="urn:example:cli"><name>{}</name></top></config></edit-config>'
)


def test_hello_shows_what_the_server_said(run, login, server):
    code, out, err = run("hello", *login)

    assert (code, err) == (0, "")
    assert "session-id: " in out
    assert "framing: chunked" in out
    assert f"port: {server.port}" in out
    assert "  urn:ietf:params:netconf:base:1.1" in out.splitlines()


def test_hello_as_json(run, login):
    code, out, _ = run("hello", *login, "--json")

    facts = json.loads(out)
    assert code == 0
    assert int(facts["session-id"]) > 0
    assert facts["framing"] == "chunked"
    assert "urn:ietf:params:netconf:capability:candidate:1.0" in facts["capabilities"]


def test_hello_names_the_framing_of_an_old_server(run, tmp_path):
    with EmbeddedServer(base=["1.0"]) as old:
        old.write_known_hosts(tmp_path / "old")
        os.environ["SECRET"] = "admin"
        code, out, _ = run(
            "hello",
            *(f"admin@{old.host}", "-p", str(old.port), "--password-env", "SECRET"),
            *("--known-hosts", str(tmp_path / "old")),
        )

    assert code == 0
    assert "framing: end-of-message" in out


def test_the_reply_goes_into_a_pipe_as_it_came(start, login):
    process = start(["rpc", *login, "--get-config", "running"])
    out, err = process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert out.endswith(b"</rpc-reply>\n")
    assert out.count(b"\n") == 1


@pytest.mark.parametrize("option", [["--get"], ["--get-config", "candidate"]], ids=" ".join)
def test_operations_by_option(run, login, option):
    code, out, _ = run("rpc", *login, *option)

    assert code == 0
    assert "<data" in out


def test_an_operation_from_a_file_and_one_from_stdin(run, start, login, tmp_path):
    file = tmp_path / "edit.xml"
    file.write_text('<?xml version="1.0"?>\n' + EDIT.format("søn"), encoding="utf-8")

    code, out, _ = run("rpc", *login, str(file))
    process = start(["rpc", *login, "-"], stdin=subprocess.PIPE)
    read, _ = process.communicate(b"<get-config><source><running/></source></get-config>")

    assert code == 0
    assert "<ok/>" in out
    assert "søn".encode() in read


def test_an_rpc_error_is_printed_and_told_by_the_exit_code(run, login, tmp_path):
    file = tmp_path / "unknown.xml"
    file.write_text('<no-operation xmlns="urn:example:cli"/>')

    code, out, err = run("rpc", *login, str(file))

    assert code == Exit.RPC_ERROR
    assert "<rpc-error>" in out
    assert err == ""


def test_the_reply_goes_to_a_file_as_it_came(run, start, login, tmp_path):
    file = tmp_path / "reply.xml"
    code, out, err = run("rpc", *login, "--get-config", "running", "--output", str(file))

    assert (code, out, err) == (0, "", "")
    shown, _ = start(["rpc", *login, "--get-config", "running"]).communicate()
    assert _numbered(file.read_bytes()) + b"\n" == _numbered(shown)
    umask = os.umask(0)
    os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask
    assert list(tmp_path.glob(".reply*")) == []


def _numbered(reply: bytes) -> bytes:
    """Return a reply without what is its session's own in the message-id."""
    return re.sub(b'message-id="[a-z]{5}', b'message-id="', reply)


def test_a_file_keeps_its_permissions_and_a_link_its_target(run, login, tmp_path):
    file, link = tmp_path / "reply.xml", tmp_path / "link.xml"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)

    assert run("rpc", *login, "--get", "--output", str(link))[0] == 0
    assert file.read_bytes().endswith(b"</rpc-reply>")
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()


def test_a_reply_goes_to_what_is_no_file_too(run, login):
    assert run("rpc", *login, "--get", "--output", "/dev/null")[0] == 0


def test_an_rpc_error_in_a_file_is_told_by_the_exit_code(run, login, tmp_path):
    operation, file = tmp_path / "unknown.xml", tmp_path / "reply.xml"
    operation.write_text('<no-operation xmlns="urn:example:cli"/>')

    code, out, err = run("rpc", *login, str(operation), "--output", str(file))

    assert (code, out, err) == (Exit.RPC_ERROR, "", "")
    assert "<rpc-error>" in file.read_text()


def test_a_reply_that_tells_of_rpc_errors_has_none(run, login, tmp_path):
    edit, file = tmp_path / "edit.xml", tmp_path / "reply.xml"
    edit.write_text(EDIT.format("rpc-error"))
    assert run("rpc", *login, str(edit))[0] == 0

    assert run("rpc", *login, "--get", "--output", str(file))[0] == 0
    assert "rpc-error" in file.read_text()


def test_a_file_that_did_not_become_complete_is_not_there(run, login, tmp_path):
    empty, file = tmp_path / "empty.xml", tmp_path / "reply.xml"
    empty.write_text(" ")
    file.write_text("old")

    assert run("rpc", *login, str(empty), "--output", str(file))[0] == Exit.USAGE
    assert file.read_text() == "old"
    assert list(tmp_path.glob(".reply*")) == []


def test_a_file_that_cannot_be_written_is_told(run, login, tmp_path):
    code, _, err = run("rpc", *login, "--get", "--output", str(tmp_path / "none" / "reply.xml"))
    assert code == Exit.USAGE
    assert "No such file or directory" in err


def test_what_cannot_be_sent_is_told_before_connecting_is_blamed(run, login, tmp_path):
    file = tmp_path / "empty.xml"
    file.write_text(" ")

    assert run("rpc", *login, str(tmp_path / "missing.xml"))[0] == Exit.USAGE
    code, _, err = run("rpc", *login, str(file))
    assert code == Exit.USAGE
    assert err == f"ncwire: {file}: is empty\n"


MALFORMED = {
    b"<a>\n <b>\n</a>": "is not well-formed: mismatched tag (line 3, column 3)",
    b" ": "is empty",
    b"<a>\n\xff</a>": "is not UTF-8: 'utf-8' codec can't decode byte 0xff in position 4: "
    "invalid start byte (line 2)",
    b"<!DOCTYPE a><a/>": "has a DOCTYPE",
}


@pytest.mark.parametrize("content", MALFORMED)
@pytest.mark.parametrize(
    "command",
    [
        ["rpc", "r1.invalid", "FILE"],
        ["bench", "r1.invalid", "--rpc", "FILE"],
        ["listen", "--device", "r1", "--rpc", "FILE"],
    ],
)
def test_an_operation_that_is_none_is_told_with_its_file(run, tmp_path, command, content):
    file = tmp_path / "edit.xml"
    file.write_bytes(content)
    code, _, err = run(*(str(file) if word == "FILE" else word for word in command))
    assert (code, err) == (Exit.USAGE, f"ncwire: {file}: {MALFORMED[content]}\n")


def test_an_operation_from_stdin_that_is_none_is_told_so(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<a>")))
    code, _, err = run("rpc", "r1.invalid", "-")
    assert code == Exit.USAGE
    assert err.startswith("ncwire: stdin: is not well-formed")


@pytest.mark.parametrize("output", [(), ("--output", "reply.xml")])
def test_what_is_not_well_formed_is_told_with_its_place_and_no_connection(run, tmp_path, output):
    file = tmp_path / "edit.xml"
    file.write_text("<edit-config>\n  <target><running></target>\n</edit-config>")
    with socket.create_server(("127.0.0.1", 0)) as unasked:
        port = str(unasked.getsockname()[1])
        code, _, err = run("rpc", "-p", port, "127.0.0.1", str(file), *output)
        unasked.setblocking(False)
        with pytest.raises(BlockingIOError):
            unasked.accept()
    assert code == Exit.USAGE
    assert f"ncwire: {file}: is not well-formed: mismatched tag (line 2, column 22)" in err


def test_a_whole_rpc_keeps_its_message_id(run, login, tmp_path):
    file = tmp_path / "rpc.xml"
    file.write_text(f'<rpc xmlns="{BASE_NS}" message-id="mine"><get/></rpc>')
    code, out, _ = run("rpc", *login, str(file))
    assert code == 0
    assert 'message-id="mine"' in out


def test_notifications_follow_the_reply(start, run, login, server, tmp_path):
    file = tmp_path / "subscribe.xml"
    file.write_text(SUBSCRIPTION)
    process = start(["rpc", *login, str(file), "-n", "2"])

    reply = process.stdout.readline()
    for name in ("one", "two"):
        assert server.notify(f'<event xmlns="urn:example:cli">{name}</event>') == 1
    out, err = process.communicate()

    assert b"<ok/>" in reply
    assert (process.returncode, err) == (0, b"")
    first, second = out.splitlines()
    assert b">one</event>" in first
    assert b">two</event>" in second


def test_ctrl_c_ends_the_session_with_130(start, login, server, tmp_path):
    file = tmp_path / "subscribe.xml"
    file.write_text(SUBSCRIPTION)
    process = start(["rpc", *login, str(file), "-n", "0"])
    process.stdout.readline()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert (process.returncode, out) == (130, b"")
    assert err == b"ncwire: interrupted\n"


def test_a_refused_subscription_waits_for_no_notification(run, login, tmp_path):
    file = tmp_path / "subscribe.xml"
    file.write_text(SUBSCRIPTION.replace("/>", "><stream>none</stream></create-subscription>"))

    assert run("rpc", *login, str(file), "-n", "1")[0] == Exit.RPC_ERROR


@pytest.mark.parametrize(
    "command", [["rpc", "--get"], ["hello"], ["hello", "--json"], ["drivers"]], ids=" ".join
)
def test_output_that_is_not_read_is_no_traceback(start, login, command):
    name, *options = command
    reader, writer = os.pipe()
    process = start([name, *([] if name == "drivers" else login), *options], stdout=writer)
    os.close(writer)
    os.close(reader)
    _, err = process.communicate()

    assert (process.returncode, err) == (Exit.OUTPUT_CLOSED, b"")


def test_a_late_reply_is_a_timeout(run, tmp_path):
    def mute(stream: ChannelStream) -> None:
        stream.send(
            b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>'
            b"<capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>"
            b"<session-id>1</session-id></hello>]]>]]>"
        )
        while stream.recv(65536):
            pass

    with EmbeddedServer(script=mute) as silent:
        silent.write_known_hosts(tmp_path / "silent")
        os.environ["SECRET"] = "admin"
        code, _, err = run(
            "rpc",
            *(f"admin@{silent.host}", "-p", str(silent.port), "--password-env", "SECRET"),
            *("--known-hosts", str(tmp_path / "silent"), "--get", "--timeout", "0.2"),
        )

    assert code == Exit.TIMEOUT
    assert "no reply within 0.2 s" in err


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


def test_a_closed_port_is_a_connection_failure(run):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    code, _, err = run("hello", "admin@127.0.0.1", "-p", str(port))

    assert code == Exit.CONNECTION
    assert err.startswith("ncwire: connect: ")


def test_an_unknown_driver_is_told_with_the_known_ones(run, login):
    code, _, err = run("hello", *login, "--driver", "paramico")

    assert code == Exit.DRIVER
    assert "did you mean 'paramiko'?" in err


def test_debug_shows_the_steps_but_not_the_password(run, login):
    code, _, err = run("hello", *login, "--debug")

    assert code == 0
    assert "DEBUG" in err
    assert "correct horse" not in err
