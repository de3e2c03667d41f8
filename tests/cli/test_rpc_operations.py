"""Operations that `ncwire rpc` takes, from files and from stdin, and those that it refuses."""

from __future__ import annotations

import io
import socket
import subprocess
import sys

import pytest

from ncwire._cli.failures import Exit
from ncwire._protocol.messages import BASE_NS

EDIT = (
    "<edit-config><target><running/></target><config>"
    '<top xmlns="urn:example:cli"><name>{}</name></top></config></edit-config>'
)


def test_an_operation_from_a_file_and_one_from_stdin(run, start, login, tmp_path):
    file = tmp_path / "edit.xml"
    file.write_text('<?xml version="1.0"?>\n' + EDIT.format("søn"), encoding="utf-8")

    code, out, _ = run("rpc", *login, str(file))
    process = start(["rpc", *login, "-"], stdin=subprocess.PIPE)
    read, _ = process.communicate(b"<get-config><source><running/></source></get-config>")

    assert code == 0
    assert "<ok/>" in out
    assert "søn".encode() in read


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
