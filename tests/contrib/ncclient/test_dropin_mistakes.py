"""Mistakes: what ncclient raises for each, and that ours is caught where that is."""

from __future__ import annotations

import gc
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from drop_in_arguments import arguments_for
from ncclient import NCClientError, manager
from ncclient.transport import errors as theirs

from ncwire.contrib import ncclient as drop_in
from ncwire.errors import NcwireError, OptionError, SSHHostKeyMismatchError
from ncwire.testing import EmbeddedServer
from servers.one_connection import answering

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.keyring import KeyRing

HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>"
)


@dataclass
class Bench:
    """What the mistakes are made with."""

    server: EmbeddedServer
    keys: KeyRing
    folder: Path


def closed_socket() -> socket.socket:
    sock = socket.socket()
    sock.close()
    return sock


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def encrypted_key(bench: Bench) -> str:
    path = bench.folder / "encrypted"
    paramiko.RSAKey.generate(2048).write_private_key_file(str(path), password="secret")
    return str(path)


def other_key() -> str:
    return paramiko.RSAKey.generate(2048).get_base64()


NO_PASSWORD = {"password": None}
MISTAKES: dict[str, tuple[Callable[[Bench], dict[str, Any]], type[Exception] | None]] = {
    "wrong password": (lambda b: {"password": "wrong"}, theirs.AuthenticationError),
    "unknown user": (lambda b: {"username": "nobody"}, theirs.AuthenticationError),
    "nothing to try": (lambda b: NO_PASSWORD, theirs.AuthenticationError),
    "key file missing": (
        lambda b: {**NO_PASSWORD, "key_filename": str(b.folder / "none")},
        theirs.AuthenticationError,
    ),
    "no key in the file": (
        lambda b: {**NO_PASSWORD, "key_filename": __file__},
        theirs.AuthenticationError,
    ),
    "the public key's file": (
        lambda b: {**NO_PASSWORD, "key_filename": f"{b.keys.key('own')}.pub"},
        theirs.AuthenticationError,
    ),
    "key encrypted": (
        lambda b: {**NO_PASSWORD, "key_filename": encrypted_key(b)},
        theirs.AuthenticationError,
    ),
    "key file missing, and the password": (
        lambda b: {"key_filename": str(b.folder / "none")},
        None,
    ),
    "the password is no passphrase": (lambda b: {"key_filename": encrypted_key(b)}, None),
    "unknown host key": (lambda b: {"hostkey_verify": True}, theirs.SSHUnknownHostError),
    "hostkey_b64 is none": (lambda b: {"hostkey_b64": "bm9uZQ=="}, theirs.SSHError),
    "port refused": (lambda b: {"port": free_port()}, theirs.SSHError),
    "bind_addr not local": (lambda b: {"bind_addr": "192.0.2.1"}, theirs.SSHError),
    "name not resolved": (lambda b: {"host": "no-such-host.invalid"}, socket.gaierror),
    "no host": (lambda b: {"host": None}, theirs.SSHError),
    "an empty host": (lambda b: {"host": ""}, theirs.SSHError),
    "ssh_config missing": (
        lambda b: {"ssh_config": str(b.folder / "none")},
        FileNotFoundError,
    ),
    "numbers as strings": (lambda b: {"port": str(b.server.port)}, None),
    "flags as numbers": (lambda b: {"hostkey_verify": 0, "allow_agent": 0}, None),
    "keepalive as an int": (lambda b: {"keepalive": 10}, None),
    "no timeout": (lambda b: {"timeout": None}, None),
    "an unknown parameter": (lambda b: {"nonsense": 1}, TypeError),
}
"""Arguments, and what ncclient 0.7.1 raises; None where it connects."""


@pytest.fixture
def bench(server, key_ring, tmp_path, monkeypatch) -> Bench:
    monkeypatch.setenv("HOME", str(tmp_path))  # without known_hosts
    key_ring.key("own")
    return Bench(server, key_ring, tmp_path)


def attempt(connect: Callable[..., Any], arguments: dict[str, Any]) -> Exception | None:
    try:
        session = connect(**arguments)
    except Exception as error:  # noqa: BLE001 - what is compared
        return error
    session._session.close()
    return None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_ncclient_raises(bench, mistake):
    make, expected = MISTAKES[mistake]
    raised = attempt(manager.connect, arguments_for(bench.server, **make(bench)))

    if "DSSKey" in str(raised):
        pytest.skip("ncclient before 0.7 asks paramiko for what paramiko 4 has no more")
    assert isinstance(raised, expected or type(None))
    gc.collect()  # of the sockets that it leaves open


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_the_drop_in_raises_is_caught_where_that_is(driver, bench, mistake):
    make, expected = MISTAKES[mistake]
    arguments = arguments_for(bench.server, **make(bench))
    raised = attempt(lambda **given: drop_in.connect(driver=driver, **given), arguments)

    assert isinstance(raised, expected or type(None)), raised
    if expected is not None and issubclass(expected, NCClientError | socket.gaierror):
        assert isinstance(raised, NcwireError)
    if expected is socket.gaierror:  # of which PyEZ asks after all of ncclient's
        assert not isinstance(raised, NCClientError)


def raised_at(driver: str, server: Any, **others: Any) -> Exception:
    raised = attempt(
        lambda **given: drop_in.connect(driver=driver, **given), arguments_for(server, **others)
    )
    assert isinstance(raised, NcwireError)
    assert isinstance(raised, NCClientError)
    return raised


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["none", "HTTP"])
def test_a_server_that_is_none_of_ssh(driver, server, said):
    with answering(lambda sock: sock.sendall(said)) as port:
        assert isinstance(raised_at(driver, server, port=port), theirs.SSHError)


def test_a_server_without_the_subsystem(driver):
    with EmbeddedServer(subsystems=("sftp",)) as server:
        raised = raised_at(driver, server)
        assert isinstance(raised, theirs.SSHError)
        assert str(raised).startswith("Could not open connection, possibly due to unacceptable")


def test_a_server_that_sends_no_hello(driver):
    with EmbeddedServer(script=lambda stream: stream.recv() and stream.recv()) as server:
        raised = raised_at(driver, server, timeout=2)
        assert isinstance(raised, theirs.SessionError)
        assert str(raised).startswith("Capability exchange timed out")


def test_a_subsystem_that_ends(driver):
    with EmbeddedServer(script=lambda stream: stream.close()) as server:
        raised = raised_at(driver, server)
        assert isinstance(raised, theirs.SessionCloseError)
        assert isinstance(raised, theirs.SessionError)


def test_a_hello_without_a_session_id(driver):
    def without(stream):
        stream.send(HELLO)
        while stream.recv():
            pass

    with EmbeddedServer(script=without) as server:
        found = drop_in.connect(driver=driver, **arguments_for(server))
        assert found.connected
        assert found.session_id == 0  # as ncclient has it
        found._session.close()


def test_a_socket_that_is_not_connected(driver, server):
    for sock in (socket.socket(), closed_socket()):
        with sock, pytest.raises(OSError, match="Errno"):
            drop_in.connect(driver=driver, **arguments_for(server, sock=sock))
    with pytest.raises(OSError, match="Bad file descriptor"):
        drop_in.connect(driver=driver, **arguments_for(server, sock_fd=9999))


def test_the_texts_that_programs_look_at(driver, bench):
    missing = {"key_filename": str(bench.folder / "none"), "password": None}
    refused = raised_at(driver, bench.server, port=free_port())
    assert "not open" in str(refused)  # PyEZ
    no_key = raised_at(driver, bench.server, **missing)
    assert str(no_key).startswith("FileNotFoundError")  # ansible.netcommon
    unknown = raised_at(driver, bench.server, hostkey_verify=True)
    assert str(unknown).startswith(f"Unknown host key [{unknown.fingerprint}] for [127.0.0.1]")


def test_the_key_of_another_is_refused_on_purpose(driver, server):
    arguments = arguments_for(server, hostkey_b64=other_key(), hostkey_verify=False)
    raised = attempt(lambda **given: drop_in.connect(driver=driver, **given), arguments)
    assert isinstance(raised, SSHHostKeyMismatchError)
    assert isinstance(raised, theirs.SSHUnknownHostError)


def test_what_is_not_utf_8_is_refused_and_a_password_not_shown(driver, server):
    with pytest.raises(OptionError, match=r"^username: "):
        drop_in.connect(driver=driver, **arguments_for(server, username=b"admin\xff"))
    with pytest.raises(OptionError, match=r"^password: ") as raised:
        drop_in.connect(driver=driver, **arguments_for(server, password=b"hunter2\xff"))
    error = raised.value
    assert isinstance(error, theirs.SSHError)
    assert "hunter2" not in f"{error!r} {error.__cause__!r} {error.__context__!r}"
