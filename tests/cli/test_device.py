"""`ncwire hello` and `ncwire rpc` against a server, from the command line to the exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from ncwire._cli.failures import Exit
from ncwire.testing import EmbeddedServer

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
    "command",
    [
        ["rpc", "--get"],
        *(
            pytest.param(each, marks=pytest.mark.exhaustive)
            for each in (["hello"], ["hello", "--json"])
        ),
        ["drivers"],
    ],
    ids=" ".join,
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
