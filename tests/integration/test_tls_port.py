"""A TLS server on the port where an SSH server was expected (RFC 7589 has 6513 for it)."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import ncwire
from ncwire import Timeouts
from ncwire._cli import main
from ncwire.errors import HandshakeError
from ncwire.probe import probe


@pytest.fixture
def tls_port(tmp_path):
    """Listen as a TLS server does, which says nothing before its client; for clients in turn."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "server.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return  # the test is over
                with accepted, suppress(OSError), context.wrap_socket(accepted, server_side=True):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def certificate(path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def said(driver, tls_port):
    """What connect says of the port."""
    with pytest.raises(HandshakeError) as caught:
        ncwire.connect(
            "127.0.0.1",
            port=tls_port,
            username="admin",
            driver=driver,
            allow_agent=False,
            look_for_keys=False,
            timeouts=Timeouts(handshake=60),
        )
    return str(caught.value)


def test_a_server_without_a_word_is_taken_for_one_of_another_protocol(said):
    """OpenSSL's, which sends no alert to what is no TLS."""
    assert said.startswith("SSH handshake: no SSH identification came: the peer closed without a ")
    assert "expects another protocol, such as TLS" in said


def test_the_command_says_how_to_know(driver, tls_port, capfd):
    assert main(["hello", "127.0.0.1", "-p", str(tls_port), "--driver", driver, "-F", "none"]) == 3
    assert "ncwire probe tells which protocol is spoken there" in capfd.readouterr().err


def test_probe_names_it(tls_port, driver):
    with pytest.raises(HandshakeError, match="what is there speaks TLS"):
        probe("127.0.0.1", port=tls_port, driver=driver)
