"""`ncwire probe`: what it prints, and a clear line for what is no SSH server."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ncwire._cli.failures import Exit
from ncwire.testing import EmbeddedServer, FaultProxy
from servers.plain_ssh import IDENTIFICATION, kexinit, packet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def answering(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """A port where each connection is answered by a function, and then closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_now: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                open_now.append(sock)
                with sock, suppress(OSError):
                    serve(sock)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield str(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        for sock in open_now:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def saying(data: bytes) -> Callable[[socket.socket], object]:
    def say(sock: socket.socket) -> None:
        sock.sendall(data)
        while sock.recv(4096):
            pass

    return say


def silent(sock: socket.socket) -> None:
    while sock.recv(4096):
        pass


def closing(sock: socket.socket) -> None:
    sock.recv(1)


def self_signed() -> bytes:
    """Return a TLS server's private key and certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "r1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding, format_ = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, format_, serialization.NoEncryption())
    return private + certificate.public_bytes(encoding)


def probed(run, port: str, *options: str) -> tuple[int, str]:
    code, out, err = run("probe", "127.0.0.1", "-p", port, "-F", "none", *options)
    assert out == ""
    assert err.startswith("ncwire: ")
    return code, err.splitlines()[0]


OTHERS = {
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what is there speaks HTTP"),
    "telnet": (b"\xff\xfd\x18\xff\xfd\x20", "what is there speaks telnet"),
    "netconf": (b"<?xml version='1.0'?><hello xmlns='urn:", "speaks NETCONF without SSH"),
    "smtp": (b"220 mail.example.net ESMTP\x1b[1m\r\n" * 400, "what is there says"),
    "an endless line": (b"y" * 20000, "what is there says 'yyyy"),
    "ssh 1": (b"SSH-1.5-Cisco-1.25\r\n", "speaks SSH 1 only: 'SSH-1.5-Cisco-1.25'"),
    "disconnect": (
        IDENTIFICATION + packet(b"\x01\x00\x00\x00\x0c\x00\x00\x00\x08too many\x00\x00\x00\x00"),
        "the server disconnects: 'too many'",
    ),
    "no packet": (IDENTIFICATION + b"\xff" * 40, "impossible length"),
    "another message": (IDENTIFICATION + packet(b"\x15"), "the message is no SSH_MSG_KEXINIT"),
    "a broken offer": (IDENTIFICATION + packet(kexinit()[:40]), "a name-list is cut off"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_ssh_server_is_told_in_one_line(run, name):
    said, expected = OTHERS[name]
    with answering(saying(said)) as port:
        code, line = probed(run, port)
    assert code == Exit.CONNECTION
    assert f"[127.0.0.1]:{port}: " in line
    assert expected in line
    assert "\x1b" not in line


def test_a_port_that_refuses(run):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = str(closed.getsockname()[1])
    code, line = probed(run, port)
    assert code == Exit.CONNECTION
    assert "Connection refused" in line


def test_a_port_that_closes_at_once(run):
    with answering(closing) as port:
        code, line = probed(run, port)
    assert code == Exit.CONNECTION
    assert "the connection is closed before any identification" in line


def test_a_silent_port_costs_no_more_than_its_deadline(run):
    with answering(silent) as port:
        code, line = probed(run, port, "--timeout", "0.3")
    assert code == Exit.TIMEOUT
    assert f"SSH greeting of [127.0.0.1]:{port}: not done within 0.3 s" in line


def test_a_tls_port_is_told_from_others_that_are_silent(run, tmp_path):
    pem = tmp_path / "pem"
    pem.write_bytes(self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def serve(sock: socket.socket) -> None:
        context.wrap_socket(sock, server_side=True)

    with answering(serve) as port:
        code, line = probed(run, port)
    assert code == Exit.CONNECTION
    assert "no SSH server answers: what is there speaks TLS" in line


def test_a_server_that_falls_silent_after_its_offer_is_reported_as_far_as_it_came(
    run, server, known_hosts
):
    with FaultProxy((server.host, server.port)) as proxy:
        proxy.after_message(20, proxy.freeze)
        code, out, err = run(
            *("probe", "127.0.0.1", "-p", str(proxy.port), "-F", "none", "--timeout", "0.5"),
            *("--known-hosts", known_hosts, "--no-login", "--json"),
        )
    report = json.loads(out)
    assert report["server"]["algorithms"]["kex"]
    # What is able to do what, a driver tells that is an SSHDriver.
    told = {each["driver"]: each for each in report["drivers"]}
    for driver in (told["paramiko"], told["libssh2"]):
        assert driver["ability"] == "no"
        assert "not done within 0.5 s" in driver["reason"]
    assert (code, err) == (0, "")


def test_lines_before_the_identification_are_shown(run):
    said = b"Welcome\r\n" + IDENTIFICATION + packet(b"\x02\x00\x00\x00\x00") + packet(kexinit())
    with answering(saying(said)) as port:
        code, out, _ = run(
            *("probe", "127.0.0.1", "-p", port, "-F", "none", "--no-login", "--timeout", "0.3")
        )
    assert code == 0
    lines = out.splitlines()
    assert "server: says  Welcome" in lines
    assert "server: software  by_hand" in lines
    assert "algorithms: ciphers  aes128-ctr" in lines


def test_the_report_of_an_embedded_server(run, server, login):
    code, out, err = run("probe", *login)

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert f"authentication: {server.username}  password" in out
    assert any(line.startswith("host key: ssh-ed25519  known  SHA256:") for line in lines)
    assert "driver: paramiko  " in out
    assert "session: subsystem  netconf" in lines
    assert "session: capability  urn:ietf:params:netconf:base:1.1" in lines


def test_the_profile_that_fits_and_the_lines_for_the_inventory(run, tmp_path, monkeypatch):
    known_hosts = tmp_path / "known_hosts"
    monkeypatch.setenv("SECRET", "pw")
    junos = "http://xml.juniper.net/netconf/junos/1.0"
    with EmbeddedServer(capabilities=[junos], password="pw") as server:
        server.write_known_hosts(known_hosts)
        code, out, _ = run(
            *("probe", f"{server.username}@{server.host}", "-p", str(server.port), "-F", "none"),
            *("--known-hosts", str(known_hosts), "--password-env", "SECRET", "--no-prompt"),
        )
    lines = out.splitlines()
    assert code == 0
    assert f"profile: junos  capability {junos}" in lines
    begin = lines.index('inventory: [devices."127.0.0.1"]')
    assert lines[begin + 1 :] == [
        f"inventory: port = {server.port}",
        'inventory: username = "admin"',
        'inventory: profile = "junos"',
        'inventory: # password = {env = "PASSWORD_127_0_0_1"}',
    ]


@pytest.mark.parametrize("command", ["probe", "hello"])
def test_what_the_device_says_does_not_turn_the_text(run, tmp_path, monkeypatch, command):
    known_hosts = tmp_path / "known_hosts"
    monkeypatch.setenv("SECRET", "pw")
    uri = "urn:\u202e\u2066x\u2028session: driver forged"
    with EmbeddedServer(capabilities=[uri], password="pw", auth_banner="a\u200fb") as server:
        server.write_known_hosts(known_hosts)
        code, out, _ = run(
            *(command, f"{server.username}@{server.host}", "-p", str(server.port), "-F", "none"),
            *("--known-hosts", str(known_hosts), "--password-env", "SECRET", "--no-prompt"),
        )
    assert code == 0
    assert "urn:\\u202e\\u2066xsession:driverforged" in out
    assert not set(out) & {*"\u202e\u2066\u2028\u200f"}


def test_json_has_all_of_it(run, login):
    code, out, _ = run("probe", "--json", *login)

    report = json.loads(out)
    assert code == 0
    assert report["driver"] == "paramiko"
    assert report["session"]["framing"] == "chunked"
    assert {key["standing"] for key in report["host-keys"]} == {"known"}


def test_a_terminal_gets_tables(run, login, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, _ = run("probe", *login)

    assert code == 0
    assert "host key:" not in out
    assert "\x1b[" in out


def test_no_login_leaves_the_login_out(run, server, login):
    code, out, err = run("probe", "--no-login", *login)

    assert (code, err) == (0, "")
    assert "session: left out  it was not asked for" in out.splitlines()


def test_an_unknown_key_ends_with_its_exit_code_and_the_way_on(run, server, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    destination = [f"{server.username}@{server.host}", "-p", str(server.port), "--no-prompt"]
    options = ["--known-hosts", str(empty), "--password-env", "SECRET"]

    code, out, err = run("probe", *destination, *options)

    assert code == Exit.HOST_KEY
    assert "authentication: admin  password" in out
    assert "session: failed  host key of" in out
    assert "ncwire: login: host key of" in err
    accept = err.split("--accept-host-key ")[1].strip()
    code, out, err = run("probe", *destination, *options, "--accept-host-key", accept)
    assert (code, err) == (0, "")
    assert "session: subsystem  netconf" in out


def test_a_wrong_password_is_reported_after_all_the_rest(run, login, monkeypatch):
    monkeypatch.setenv("SECRET", "wrong")

    code, out, err = run("probe", *login)

    assert code == Exit.AUTHENTICATION
    assert "driver: paramiko" in out
    assert "ncwire: login: authentication: " in err
    assert "wrong" not in out + err


def test_the_subsystem_that_answers_is_found(run, tmp_path, monkeypatch):
    known_hosts = tmp_path / "known_hosts"
    monkeypatch.setenv("SECRET", "pw")
    with EmbeddedServer(subsystems=["xmlagent"], password="pw") as server:
        server.write_known_hosts(known_hosts)
        code, out, _ = run(
            *("probe", f"{server.username}@{server.host}", "-p", str(server.port), "-F", "none"),
            *("--known-hosts", str(known_hosts), "--password-env", "SECRET", "--no-prompt"),
        )
    assert code == 0
    assert "session: subsystem  xmlagent" in out.splitlines()
    assert "session: refused  netconf" in out.splitlines()


def test_a_server_without_any_subsystem_for_netconf(run, tmp_path, monkeypatch):
    known_hosts = tmp_path / "known_hosts"
    monkeypatch.setenv("SECRET", "pw")
    with EmbeddedServer(subsystems=["sftp"], password="pw") as server:
        server.write_known_hosts(known_hosts)
        code, out, err = run(
            *("probe", f"{server.username}@{server.host}", "-p", str(server.port), "-F", "none"),
            *("--known-hosts", str(known_hosts), "--password-env", "SECRET", "--no-prompt"),
        )
    assert code == Exit.CONNECTION
    assert "session: failed" in out
    assert "NETCONF may be off on the device" in err
