"""`ncwire listen`: from the command line to what is printed of each call."""

from __future__ import annotations

import os
import re
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from ncwire._cli.failures import Exit
from ncwire._plugins import registry
from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASSWORD = "correct horse"
BASE = b"urn:ietf:params:xml:ns:netconf:base:1.0"
HELLO = (
    b'<hello xmlns="%b"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>'
    b"</capabilities><session-id>7</session-id></hello>]]>]]>" % BASE
)
REPLY = b'<rpc-reply xmlns="%b"><ok/></rpc-reply>]]>]]>' % BASE
DRIVERS = [
    status.name
    for status in registry.survey()
    if (status.status, status.transport) == ("ok", "ssh")
]


@pytest.fixture
def device() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(password=PASSWORD) as device:
        yield device


@pytest.fixture
def known_hosts(device: EmbeddedServer, tmp_path: Path) -> Path:
    path = tmp_path / "known_hosts"
    path.write_text(f"r1 {device.host_key.type} {device.host_key.base64}\n")
    return path


@pytest.fixture
def listen(start, known_hosts) -> Callable[..., tuple[subprocess.Popen[bytes], int]]:
    """Start the command, with device r1; returns its process and its port."""

    def listen(*more: str) -> tuple[subprocess.Popen[bytes], int]:
        process = start(
            [
                *("listen", "--device", "admin@r1", "--known-hosts", str(known_hosts)),
                *("--address", "127.0.0.1", "--port", "0", "--password-env", "SECRET"),
                *more,
            ]
        )
        line = process.stderr.readline()
        listening = re.fullmatch(rb"ncwire: listening on 127\.0\.0\.1:(\d+)\n", line)
        assert listening, line + process.stderr.read()
        return process, int(listening[1])

    return listen


def call(device: EmbeddedServer, port: int) -> str:
    """Have a device call; returns where from."""
    sock = socket.create_connection(("127.0.0.1", port))
    host, port = sock.getsockname()
    device.serve(sock)
    return f"{host}:{port}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_line_for_each_call(listen, device, driver):
    process, port = listen("--count", "2", "--driver", driver)
    callers = [call(device, port)]
    first = process.stdout.readline()
    callers.append(call(device, port))
    out, err = process.communicate()

    assert (process.returncode, err) == (0, b"")
    for caller, line in zip(callers, (first, out), strict=True):
        pattern = rf"r1  {re.escape(caller)}  session-id \d+  8 capabilities\n"
        assert re.fullmatch(pattern, line.decode())


def test_an_rpc_to_each_and_its_error_in_the_exit_code(listen, device, tmp_path):
    file = tmp_path / "operation.xml"
    file.write_text('<no-operation xmlns="urn:example:cli"/>')
    process, port = listen("--count", "2", "--rpc", str(file))
    for _ in range(2):
        call(device, port)
        assert process.stdout.readline().startswith(b"r1  ")
        assert b"<rpc-error>" in process.stdout.readline()
    process.communicate()

    assert process.returncode == Exit.RPC_ERROR


def test_a_stranger_is_told_of_and_how_to_let_it_in(listen, device):
    process, port = listen("--count", "1")
    with EmbeddedServer() as stranger:
        caller = call(stranger, port)
        said = [process.stderr.readline().decode() for _ in range(4)]
        key = stranger.host_key
    call(device, port)
    process.communicate()

    assert said[0] == (
        f"ncwire: call from {caller} refused: no device has the host key {key.type} {key.sha256}\n"
    )
    assert f"    NAME {key.type} {key.base64}\n" in said
    assert process.returncode == 0


def test_what_fails_after_the_call_is_told_with_the_device(listen, device, monkeypatch):
    monkeypatch.setenv("SECRET", "another")
    process, port = listen()
    call(device, port)
    line = process.stderr.readline().decode()

    assert re.match(r"ncwire: call of r1 from 127\S+ refused: authentication: ", line)


def test_when_no_device_calls_for_so_long_it_ends(listen):
    process, _ = listen("--wait", "0.1")
    out, err = process.communicate()

    assert (out, process.returncode) == (b"", Exit.TIMEOUT)
    assert err == b"ncwire: waiting for a call: not done within 0.1 s\n"


def test_a_session_that_breaks_is_told_and_the_next_is_answered(listen, known_hosts, tmp_path):
    file = tmp_path / "get.xml"
    file.write_text("<get/>")
    sessions = iter([True, False])

    def play(stream):
        """Say hello; hang up on the first request, answer the second client's."""
        stream.send(HELLO)
        received = b""
        while b"<get/>" not in received:
            received += stream.recv()
        if not next(sessions):
            stream.send(REPLY)
            stream.recv()

    with EmbeddedServer(password=PASSWORD, script=play) as device:
        known_hosts.write_text(f"r1 {device.host_key.type} {device.host_key.base64}\n")
        process, port = listen("--count", "2", "--rpc", str(file))
        caller = call(device, port)
        assert process.stdout.readline().startswith(b"r1  ")
        told = process.stderr.readline().decode()
        call(device, port)
        out, _ = process.communicate()

    assert told.startswith(f"ncwire: r1, {caller}: session closed by the peer")
    assert out.endswith(b"</rpc-reply>\n")
    assert process.returncode == Exit.CONNECTION


def test_ctrl_c_ends_it(listen, device):
    process, port = listen()
    call(device, port)
    process.stdout.readline()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert (process.returncode, out) == (Exit.INTERRUPTED, b"")
    assert err == b"ncwire: interrupted\n"


def test_a_port_in_use_is_told(run, known_hosts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = run(
            *("listen", "--device", "r1", "--known-hosts", str(known_hosts)),
            *("--address", "127.0.0.1", "-p", port),
        )
    assert code == Exit.CONNECTION
    assert f"ncwire: listening on 127.0.0.1, port {port}: Address already in use" in err


def test_a_device_without_a_key_on_file_is_told(run, known_hosts):
    code, _, err = run("listen", "--device", "r2", "--known-hosts", str(known_hosts))
    assert code == Exit.USAGE
    assert f"r2: host_keys: there is no host key on file in {known_hosts}" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--device", "r1", "--port", "65536"],
        ["--device", "r1", "--count", "0"],
        ["--device", "r1", "--wait", "0"],
        ["--device", "r1", "--rpc", os.devnull],
        ["--device", "r1", "--rpc", "/missing"],
    ],
    ids=" ".join,
)
def test_what_is_no_command_line_is_refused(run, arguments):
    code, out, err = run("listen", *arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert err


def test_a_device_of_the_inventory_is_logged_in_to_as_it_says(start, device, tmp_path):
    path = tmp_path / "inventory.toml"
    path.write_text(
        "[devices.r1]\n"
        'host = "192.0.2.1"\n'
        f'username = "{device.username}"\n'
        'password = {env = "SECRET"}\n'
        f'hostkey_b64 = "{device.host_key.base64}"\n'
        'jumps = ["bastion"]\n'
    )
    process = start(
        [
            *("listen", "--device", "r1", "--inventory", str(path), "--count", "1"),
            *("--address", "127.0.0.1", "--port", "0"),
        ]
    )
    port = int(process.stderr.readline().rpartition(b":")[2])
    call(device, port)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"r1  127.0.0.1:")
