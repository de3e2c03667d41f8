"""Call home over TLS: who is refused, and peers that do not go on, at every step."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress

import pytest
from called_home import PATIENCE, called, device_of
from cryptography.x509 import DNSName

from ncwire import Timeouts
from ncwire.callhome import Device, listen
from ncwire.errors import (
    AuthenticationError,
    CertificateError,
    HelloTimeoutError,
    StepTimeoutError,
    TLSHandshakeError,
    UnknownCertificateError,
)
from ncwire.testing import EmbeddedServer
from servers.tls_callers import ended, half_a_handshake

pytestmark = pytest.mark.usefixtures("leaves_nothing")

# --- who is refused ----------------------------------------------------------------------------


REFUSED = {
    "wrong-name": ({"hosts": ("r2.example",)}, UnknownCertificateError, "no device has"),
    "wildcard": ({"hosts": ("*.example",)}, UnknownCertificateError, "no device has"),
    "no-name": ({"hosts": ()}, UnknownCertificateError, "no device has"),
    "address-as-name": (
        {"hosts": (DNSName("192.0.2.7"),)},
        UnknownCertificateError,
        "no device has",
    ),
    "two": (
        {"hosts": ("r1.example", "r9.example")},
        UnknownCertificateError,
        "it is for several devices, r1.example, r9.example",
    ),
    "pinned-one's": (
        {"hosts": ("r3.example",)},
        UnknownCertificateError,
        "it is for r3.example, of which another certificate is pinned",
    ),
    "expired": ({"valid": (-3, -1)}, CertificateError, "certificate has expired"),
    "self-signed": ({"signed_by_itself": True}, CertificateError, "self-signed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_who_is_neither_is_refused_with_what_is_wrong(opened, callers, version, name, refusal):
    settings, kind, told = REFUSED[name]
    bad = callers.issue(name, **{"hosts": ("r1.example",)} | settings)
    listener = opened(
        Device(name="r1.example"),
        Device(name="r9.example"),
        Device(name="192.0.2.7"),
        Device(name="r3.example", driver_options={"fingerprint": "00" * 32}),
        driver_options=callers.client_options(),
    )
    asked = []
    callers.call(listener.port, bad, version=version, script=lambda s: asked.append(s.recv()))
    refused = refusal()
    callers.close()
    assert type(refused.error) is kind
    assert told in str(refused.error)
    assert refused.error.fingerprint == bad.sha256
    assert refused.error.subject == f"CN={name},O=ncwire"
    assert refused.device is None
    # No NETCONF message was sent.
    assert b"".join(asked) == b""


def test_a_stranger_by_its_authority(opened, callers, stranger, version, refusal):
    listener = opened(Device(name="r1.example"), driver_options=callers.client_options())
    callers.call(listener.port, stranger, version=version)
    error = refusal().error
    assert type(error) is CertificateError
    assert "authority is none that is trusted" in str(error)


def test_a_stranger_among_those_that_are_pinned(opened, callers, stranger, version, refusal):
    known = callers.issue("r1")
    listener = opened(
        Device(name="r1", driver_options={"fingerprint": known.sha256}),
        driver_options=callers.client_options(ca_certs=None),
    )
    callers.call(listener.port, stranger, version=version)
    error = refusal().error
    assert str(error) == (
        f"no device has the certificate with the SHA-256 {stranger.sha256}; its subject is "
        "CN=stranger,O=ncwire"
    )
    assert isinstance(error, UnknownCertificateError)


def test_a_pin_does_not_stand_for_the_authority_where_that_is_asked_for(
    opened, callers, stranger, refusal
):
    listener = opened(
        Device(name="r1", driver_options={"fingerprint": stranger.sha256}),
        driver_options=callers.client_options(),
    )
    callers.call(listener.port, stranger)
    assert type(refusal().error) is CertificateError


def test_a_device_that_does_not_accept_our_certificate(
    opened, callers, stranger, version, refusal
):
    listener = opened(
        Device(name="r1.example"),
        driver_options=callers.client_options(certfile=stranger.both, keyfile=None),
    )
    callers.call(listener.port, callers.issue("r1"), version=version)
    refused = refusal()
    assert isinstance(refused.error, AuthenticationError)
    # With TLS 1.3 that comes when the handshake is over for us (RFC 8446 section 4.4.2.4).
    assert refused.device == ("r1.example" if version == "TLSv1.3" else None)


def test_a_certificate_that_is_gone_is_told_with_the_call(opened, callers, tmp_path, refusal):
    mine = tmp_path / "mine.pem"
    shutil.copy(callers.client.both, mine)
    listener = opened(
        Device(name="r1.example"),
        driver_options=callers.client_options(certfile=mine, keyfile=None),
    )
    mine.unlink()
    callers.call(listener.port, callers.issue("r1"))
    assert "mine.pem: No such file" in str(refusal().error)


# --- other protocols, and silence --------------------------------------------------------------


def test_a_device_that_calls_by_ssh_is_told_of_by_its_protocol(opened, callers, refusal):
    listener = opened(Device(name="r1.example"), driver_options=callers.client_options())
    with EmbeddedServer() as server:
        called(listener, server)
        error = refusal().error
    assert isinstance(error, TLSHandshakeError)
    assert "it speaks SSH" in str(error)


def test_a_real_tls_device_at_the_listener_for_ssh(callers):
    with EmbeddedServer() as server:
        refused = threading.Event()
        told = []

        def on_refused(refusal):
            told.append(refusal.error)
            refused.set()

        with listen(
            [device_of(server)], port=0, driver="paramiko", on_refused=on_refused,
            timeouts=Timeouts(handshake=PATIENCE),
        ) as listener:  # fmt: skip
            callers.call(listener.port, callers.issue("r1"))
            assert refused.wait(PATIENCE)
    assert "TLS" in str(told[0])


@pytest.mark.parametrize("said", ["nothing", "half a handshake"])
def test_a_peer_that_does_not_go_on_is_refused_in_time(opened, callers, said, refusal):
    listener = opened(
        Device(name="r1.example"),
        driver_options=callers.client_options(),
        timeouts=Timeouts(handshake=0.5),
    )
    sock = callers.dial(listener.port)
    if said != "nothing":
        sock.sendall(half_a_handshake(callers, sock))
    error = refusal().error
    assert isinstance(error, StepTimeoutError)
    assert (error.step, error.seconds) == ("TLS handshake", 0.5)
    ended(sock)


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n" * 5000, bytes(range(256)) * 400, b"\x16\x03\x03\0"]
)
def test_garbage_is_refused(opened, callers, garbage, refusal):
    listener = opened(
        Device(name="r1.example"),
        driver_options=callers.client_options(),
        timeouts=Timeouts(handshake=3),
    )
    sock = callers.dial(listener.port)
    with suppress(ConnectionError):
        sock.sendall(garbage)
    assert isinstance(refusal().error, TLSHandshakeError | StepTimeoutError)


def test_a_device_without_a_hello_is_refused_in_time(opened, callers, refusal):
    over = threading.Event()
    listener = opened(
        Device(name="r1.example", timeouts=Timeouts(hello=0.3)),
        driver_options=callers.client_options(),
    )
    callers.call(listener.port, callers.issue("r1"), script=lambda _: over.wait(PATIENCE))
    refused = refusal()
    over.set()
    assert isinstance(refused.error, HelloTimeoutError)
    assert (refused.device, refused.error.seconds) == ("r1.example", 0.3)


@pytest.mark.parametrize("step", ["before", "handshake", "hello"])
def test_close_ends_whatever_a_call_has_come_to(opened, callers, step):
    reached, over = threading.Event(), threading.Event()

    def silent(_stream):
        reached.set()
        over.wait(PATIENCE)

    listener = opened(Device(name="r1.example"), driver_options=callers.client_options())
    if step == "hello":
        callers.call(listener.port, callers.issue("r1"), script=silent)
        assert reached.wait(PATIENCE)
        listener.close()
    else:
        sock = callers.dial(listener.port)
        if step == "handshake":
            sock.sendall(half_a_handshake(callers, sock))
        listener.close()
        ended(sock)
    over.set()
    assert opened.refused.empty()
