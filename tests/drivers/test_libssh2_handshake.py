"""The libssh2 driver: availability, identification, key exchange, host key."""

from __future__ import annotations

import dataclasses
import socket
import sys
import threading
import time
from contextlib import suppress

import paramiko
import pytest
import ssh2.session
from libssh2_rig import MODERN, Key, Sshd, StubServer, log_in, nothing_left, soon, with_sshd

from ncwire.driver import (
    CONTRACT,
    AuthResult,
    ChannelRequest,
    Feature,
    NoneAttempt,
    PasswordAttempt,
    SSHDriver,
)
from ncwire.errors import (
    DriverUnavailable,
    HandshakeError,
    SSHError,
    StepTimeoutError,
    TransportError,
)
from ncwire_libssh2 import Libssh2Driver


def test_it_states_its_name_contract_and_features():
    assert Libssh2Driver.name == "libssh2"
    assert Libssh2Driver.__dict__["contract"] == CONTRACT
    assert Feature.PROMPT_ECHO not in Libssh2Driver.features
    assert Libssh2Driver.features >= SSHDriver.CORE_FEATURES


def test_library_names_ssh2_python_and_libssh2():
    assert Libssh2Driver.library().startswith("ssh2-python 1.")
    assert "(libssh2 1." in Libssh2Driver.library()


def test_it_is_unavailable_without_ssh2_python_and_says_how_to_install_it(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "ssh2"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(DriverUnavailable) as caught:
        Libssh2Driver.check_available()
    assert caught.value.reason == "ssh2-python is not installed"
    assert caught.value.remedy == "pip install 'ncwire[libssh2]'"


def test_the_table_of_algorithms_is_what_libssh2_has_but_for_what_is_left_out():
    session = ssh2.session.Session()
    session.flag(ssh2.session.LIBSSH2_FLAG_COMPRESS, 1)
    table = Libssh2Driver.algorithms
    for names, method in (
        (table.kex, ssh2.session.LIBSSH2_METHOD_KEX),
        (table.host_keys, ssh2.session.LIBSSH2_METHOD_HOSTKEY),
        (table.ciphers, ssh2.session.LIBSSH2_METHOD_CRYPT_CS),
        (table.macs, ssh2.session.LIBSSH2_METHOD_MAC_CS),
        (table.compression, ssh2.session.LIBSSH2_METHOD_COMP_CS),
    ):
        supported = {
            name
            for name in session.supported_algs(method)
            if "-cert-" not in name
            and name != "zlib"
            and not name.startswith(("ext-info", "kex-strict"))
        }
        assert set(names) == supported


def test_handshake_returns_the_host_key_of_the_server():
    with StubServer() as server:
        driver = Libssh2Driver()
        presented = driver.handshake(server.client_socket, MODERN, soon())
        driver.abort()
        assert presented.type == "ssh-ed25519"
        assert presented.blob == server.transport.get_server_key().asbytes()


@with_sshd
def test_the_preferred_host_key_type_is_presented(tmp_path):
    rsa = Key("rsa")
    (tmp_path / "rsa").write_bytes(rsa.private)
    (tmp_path / "rsa").chmod(0o600)
    with Sshd(tmp_path, f"HostKey {tmp_path / 'rsa'}") as sshd:
        for names, blob in (
            (("rsa-sha2-512", "ssh-ed25519"), rsa.blob),
            (("ssh-ed25519", "rsa-sha2-512"), sshd.host_key.blob),
        ):
            driver = Libssh2Driver()
            offer = dataclasses.replace(MODERN, host_keys=names)
            assert driver.handshake(sshd.connect(), offer, soon()).blob == blob
            driver.abort()


def test_nothing_but_what_is_asked_for_is_offered():
    with StubServer() as server:
        channel = log_in(server).open_channel(ChannelRequest("netconf"), {}, soon())
        assert channel.info.kex in MODERN.kex
        assert channel.info.cipher == "aes128-gcm@openssh.com"
        assert channel.info.mac == ""
        assert channel.info.host_key_type == "ssh-ed25519"
        assert channel.info.server_version == server.transport.local_version
        assert channel.info.library == "ssh2-python"
        channel.abort()
    with StubServer() as server:
        driver = Libssh2Driver()
        offer = dataclasses.replace(MODERN, ciphers=("3des-cbc",), macs=("hmac-md5-96",))
        server.transport.get_security_options().ciphers = ("aes128-ctr",)
        with pytest.raises(HandshakeError):
            driver.handshake(server.client_socket, offer, soon())
        driver.abort()


def test_an_algorithm_that_libssh2_does_not_have_is_refused_before_any_packet():
    with StubServer() as server:
        driver = Libssh2Driver()
        offer = dataclasses.replace(MODERN, ciphers=("no-such-cipher",))
        with pytest.raises(HandshakeError, match="no-such-cipher"):
            driver.handshake(server.client_socket, offer, soon())
        driver.abort()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-x\r\n\0\0"])
def test_a_peer_that_is_no_ssh_server_is_a_handshake_error(answer):
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        driver = Libssh2Driver()
        with pytest.raises(HandshakeError, match="SSH handshake"):
            driver.handshake(ours, MODERN, soon())
        driver.abort()


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-slow\r\n"])
def test_a_silent_peer_costs_the_budget_of_the_handshake_and_no_more(said):
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(said)
        driver = Libssh2Driver()
        began = time.monotonic()
        with pytest.raises(StepTimeoutError, match="SSH handshake"):
            driver.handshake(ours, MODERN, soon(1, "SSH handshake"))
        assert time.monotonic() - began < 5
        driver.abort()


def test_abort_from_another_thread_ends_a_handshake_at_once():
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"SSH-2.0-silent\r\n")
        driver = Libssh2Driver()
        errors = []

        def run():
            try:
                driver.handshake(ours, MODERN, soon(60))
            except TransportError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert theirs.recv(4) == b"SSH-"
        driver.abort()
        thread.join(10)
        assert not thread.is_alive()
        assert len(errors) == 1
        assert not isinstance(errors[0], StepTimeoutError)
        theirs.settimeout(10)
        with suppress(ConnectionResetError):  # so ends a socket that has not read all of ours
            while theirs.recv(65536):
                pass  # to the end: the driver has closed its socket


def test_an_abort_before_the_handshake_holds():
    ours, theirs = socket.socketpair()
    with theirs:
        driver = Libssh2Driver()
        driver.abort()
        with pytest.raises(TransportError, match="closed"):
            driver.handshake(ours, MODERN, soon())
        assert theirs.recv(1) == b""


def test_steps_out_of_order_are_errors():
    driver = Libssh2Driver()
    with pytest.raises(TransportError):
        driver.authenticate(NoneAttempt("u"), soon())
    with pytest.raises(TransportError):
        driver.open_channel(ChannelRequest("netconf"), {}, soon())
    driver.abort()
    driver.abort()


def test_a_failed_handshake_leaves_no_fd_and_no_thread():
    with nothing_left():
        ours, theirs = socket.socketpair()
        theirs.close()
        driver = Libssh2Driver()
        with pytest.raises(SSHError):
            driver.handshake(ours, MODERN, soon())
        driver.abort()


def test_the_sock_of_the_caller_is_the_drivers_from_the_handshake_on():
    with StubServer() as server:
        driver = log_in(server)
        server.client_socket.close()
        channel = driver.open_channel(ChannelRequest("netconf"), {}, soon())
        server.channel().send(b"x")
        assert channel.fileno() >= 0
        channel.abort()
        assert channel.fileno() == -1


class KnowsSha1Only(paramiko.Transport):
    """A server that takes no RSA signature but by SHA-1, and says so (RFC 8308)."""

    preferred_pubkeys = ("ssh-rsa",)


@pytest.mark.parametrize("allowed", [False, True])
def test_an_rsa_key_is_offered_for_sha1_only_where_that_is_allowed(caplog, allowed):
    caplog.set_level("DEBUG", logger="paramiko")
    host_keys = (*MODERN.host_keys, "ssh-rsa") if allowed else MODERN.host_keys
    with StubServer(transport=KnowsSha1Only) as server:
        driver = Libssh2Driver()
        driver.handshake(
            server.client_socket, dataclasses.replace(MODERN, host_keys=host_keys), soon()
        )
        driver.authenticate(NoneAttempt("u"), soon())
        if allowed:
            # What it is asked for, paramiko's server cannot do; that it is asked is the point.
            with pytest.raises(SSHError):
                driver.authenticate(Key("rsa").attempt("u"), soon())
        else:
            outcome = driver.authenticate(Key("rsa").attempt("u"), soon())
            assert outcome.result is AuthResult.DENIED
            assert "password" in outcome.methods
            attempt = PasswordAttempt("u", "right")
            assert driver.authenticate(attempt, soon()).result is AuthResult.SUCCESS
        driver.abort()
    assert ("Auth request (type=publickey)" in caplog.text) == allowed
    # The server is not asked again what else it takes: that would count as another failure.
    assert caplog.text.count("Auth request (type=none)") == 1
