"""Connecting over TLS: peers of other kinds, sockets, what is refused, aborts and interrupts."""

from __future__ import annotations

import contextlib
import gc
import random
import socket
import subprocess
import sys
import threading

import pytest
from tls_peers import PATIENCE, Silent

import ncwire
from attempts import aborted
from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire import Timeouts
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, Feature
from ncwire.errors import (
    ConnectError,
    HelloTimeoutError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
    TLSHandshakeError,
    UnsupportedOption,
)
from ncwire.testing.conformance.awkward import Unanswering
from ncwire_tls import TLSDriver
from thoroughness import sampled

pytestmark = pytest.mark.usefixtures("nothing_left", "no_gc_callbacks")


@pytest.fixture
def server(certificates):
    with certificates.serve() as server:
        yield server


def connect(certificates, port, host="127.0.0.1", **parameters):
    session = ncwire.TLSSession()
    try:
        session.connect(host, port, **certificates.credentials(**parameters))
    finally:
        session.close()
    return session


@contextlib.contextmanager
def plain(answer=None):
    """Listen, and have each client's socket answered; without an answer it is left unread."""
    kept = []
    accepted = threading.Event()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                kept.append(sock)
                accepted.set()
                if answer is not None:
                    answer(sock)
                    sock.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], accepted
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for sock in kept:
        sock.close()


# --- peers -----------------------------------------------------------------------------------


def says(words):
    def answer(sock):
        sock.sendall(words)
        sock.recv(1 << 16)

    return answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "speaks no TLS: it speaks SSH, for which"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "speaks no TLS: it speaks HTTP"),
        (says(b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'), "it speaks NETCONF"),
        (says(b"go \x1b[2J away\r\n"), r'it said "go \\x1b\[2J away"'),
        (lambda sock: None, "closed without a word|reset"),
        (says(b"\x16\x03\x03\x00\x04"), "closed the connection in the middle"),
    ],
    ids=["ssh", "http", "netconf", "text", "nothing", "half"],
)
def test_a_peer_that_speaks_something_else_is_told(certificates, answer, told):
    with plain(answer) as (port, _), pytest.raises(TLSHandshakeError, match=told):
        connect(certificates, port)


def test_nobody_listens(certificates):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError, match="Connection refused"):
        connect(certificates, port)


@pytest.mark.parametrize(
    ("budget", "step"),
    [
        ("connect", "TCP connect to"),
        ("handshake", "TLS handshake"),
        ("overall", r"TLS handshake \(connect\)"),
    ],
)
def test_a_silent_peer_costs_no_more_than_the_step(certificates, budget, step):
    timeouts = Timeouts(**{budget: 0.2})
    peer = contextlib.closing(Unanswering()) if budget == "connect" else plain()
    with peer as silent:
        port = silent.port if budget == "connect" else silent[0]
        with pytest.raises(StepTimeoutError, match=f"{step}.*: not done within 0.2 s"):
            connect(certificates, port, timeouts=timeouts)


def test_a_server_without_a_hello(certificates):
    silent = Silent()
    with certificates.serve(script=silent) as server:
        with pytest.raises(HelloTimeoutError):
            connect(certificates, server.port, timeouts=Timeouts(hello=0.2))
        silent.over.set()


# --- what is given ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["sock", "sock_fd"])
def test_a_socket_of_the_callers(certificates, server, form):
    sock = socket.create_connection(("127.0.0.1", server.port))
    given = {"sock": sock} if form == "sock" else {"sock_fd": sock.detach()}
    session = connect(certificates, 6513, **given)
    assert session.host == "127.0.0.1"
    assert sock.fileno() == -1


def test_a_socket_needs_a_name_to_verify(certificates, server):
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        with pytest.raises(OptionError, match="server_hostname: needed where there is no host"):
            connect(certificates, 6513, host=None, sock=sock)
        assert sock.fileno() != -1  # still the caller's
        connect(certificates, 6513, host=None, sock=sock, server_hostname="localhost")
    pin = certificates.server.sha256
    sock = socket.create_connection(("127.0.0.1", server.port))
    connect(certificates, 6513, host=None, sock=sock, ca_certs=None, fingerprint=pin)


def test_the_source_address(certificates, server):
    connect(certificates, server.port, bind_addr="127.0.0.3")
    assert server.opened.get(timeout=PATIENCE).peer[0] == "127.0.0.3"


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"username": "admin"}, UnsupportedOption, "username; over TLS the server takes the user"),
        ({"password": "x"}, UnsupportedOption, "password"),
        ({"keepalive": 10}, UnsupportedOption, "keepalive; no installed driver does"),
        (
            {"hostkey_verify": False},
            UnsupportedOption,
            "hostkey_verify; it means something to SSH",
        ),
        ({"ssh_config": True}, UnsupportedOption, "ssh_config"),
        ({"jumps": ["bastion"]}, UnsupportedOption, "jumps"),
        ({"known_hosts": "/none"}, UnsupportedOption, "known_hosts"),
        ({"host": None}, OptionError, "host: needed"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_means_nothing_to_tls_is_refused(certificates, given, error, told):
    options = {name: str(path) for name, path in certificates.credentials().items()}
    host = given.pop("host", "r1.invalid")
    with pytest.raises(error, match=told):
        ncwire.connect(host, driver="tls", driver_options=options, **given)


def test_what_asks_for_nothing_is_taken(certificates, server):
    options = {name: str(path) for name, path in certificates.credentials().items()}
    nothing = {"jumps": [], "ssh_options": (), "ssh_config": False, "password": None}
    ncwire.connect(
        "127.0.0.1",
        port=server.port,
        driver="tls",
        driver_options=options,
        look_for_keys=True,
        **nothing,
    ).close()


@pytest.mark.parametrize(
    ("session", "driver", "told"),
    [
        (ncwire.SSHSession, "tls", "'tls' carries NETCONF over tls: use TLSSession"),
        (ncwire.TLSSession, "paramiko", "'paramiko' carries NETCONF over ssh: use SSHSession"),
        (ncwire.UnixSocketSession, "tls", "use TLSSession"),
        (ncwire.DriverSession, "paramiko", "use SSHSession"),
    ],
)
def test_a_driver_of_another_transport_is_told_with_its_class(session, driver, told):
    with pytest.raises(OptionError, match=rf"^driver: .*{told}"):
        session(driver=driver).connect("r1.invalid")


def test_an_option_that_is_given_twice(certificates):
    with pytest.raises(OptionError, match="certfile: is given twice"):
        connect(certificates, 6513, driver_options={"certfile": "/none"})


def test_a_protocol_of_one_version_is_refused(certificates):
    with pytest.raises(OptionError, match=r"^protocol: .*minimum_version"):
        connect(certificates, 6513, protocol=5)


def test_the_environments_driver_counts_where_it_is_one_for_tls(certificates, server, monkeypatch):
    monkeypatch.setenv("NCWIRE_DRIVER", "libssh2")
    assert str(connect(certificates, server.port).driver_choice) == "tls (the default)"
    monkeypatch.setenv("NCWIRE_DRIVER", "tls")
    chosen = connect(certificates, server.port).driver_choice
    assert str(chosen) == "tls (the environment's NCWIRE_DRIVER)"


# --- aborts, interrupts, forks ---------------------------------------------------------------


def attempt(certificates, port):
    given = {name: str(path) for name, path in certificates.credentials().items()}
    options = ConnectOptions(host="127.0.0.1", port=port, username="", driver_options=given)
    return connecting(TLSDriver(), options, Deadline.after(60, "connect"))


def test_an_abort_while_the_server_is_silent(certificates):
    with plain() as (port, accepted):
        outcome = aborted(attempt(certificates, port), lambda: accepted.wait(PATIENCE))
    assert isinstance(outcome, SessionCloseError)


def test_an_abort_while_tcp_connects(certificates):
    with contextlib.closing(Unanswering()) as peer:
        outcome = aborted(attempt(certificates, peer.port), lambda: True)
    assert isinstance(outcome, SessionCloseError)


def test_an_abort_of_a_channel_that_is_open(certificates, server):
    begun = attempt(certificates, server.port)
    channel = begun.run()
    begun.abort()
    assert channel.fileno() == -1


def test_close_ends_a_connect_that_waits_for_the_hello(certificates):
    silent = Silent()
    with certificates.serve(script=silent) as server:
        session = ncwire.TLSSession()
        outcome = []

        def run():
            try:
                session.connect("127.0.0.1", server.port, **certificates.credentials())
            except SessionCloseError as error:
                outcome.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        server.opened.get(timeout=PATIENCE)
        session.close()
        thread.join(PATIENCE)
        silent.over.set()
    assert [error.closed_by for error in outcome] == ["us"]


@sampled("points", 20, 100)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_point_comes_out_and_leaves_nothing(
    certificates, server, kind, points
):
    folders = [folder_of("ncwire"), folder_of("ncwire_tls")]

    def interrupted(interrupter):
        session = ncwire.TLSSession()
        try:
            with interrupter:
                session.connect("127.0.0.1", server.port, **certificates.credentials())
        except KINDS:
            return True
        finally:
            session.close()
        return not interrupter.where

    with raising(kind):
        counter = Interrupter(10**9, folders)
        assert interrupted(counter)
        for at in random.sample(range(1, counter.seen), points):
            interrupter = Interrupter(at, folders)
            assert interrupted(interrupter), interrupter.where
        gc.collect()


FORK = """
import os, sys, ncwire
port, certfile, keyfile, ca_certs = sys.argv[1:]
session = ncwire.TLSSession()
session.connect("127.0.0.1", int(port), certfile=certfile, keyfile=keyfile, ca_certs=ca_certs)
child = os.fork()
if not child:
    assert session.cause.closed_by == "fork"
    session.close()
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print(session.rpc("<get/>").raw)
session.close_session()
"""


def test_a_forked_child_leaves_the_connection_alone(certificates, server, run_program):
    given = certificates.credentials()
    told = run_program(
        FORK, str(server.port), *(str(given[each]) for each in ("certfile", "keyfile", "ca_certs"))
    )
    assert "<data" in told


def test_import_ncwire_imports_no_ssl():
    program = "import sys, ncwire; sys.exit('ssl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_is_declared():
    assert TLSDriver.features >= TLSDriver.CORE_FEATURES | {Feature.FINISH}
    assert Feature.KEEPALIVE not in TLSDriver.features
    assert TLSDriver.library().startswith("OpenSSL ")
