"""Call home over TLS: by what a device is known, and fifty at once."""

from __future__ import annotations

import ssl
from collections import Counter

import pytest
from called_home import PATIENCE

import ncwire
from ncwire import Timeouts
from ncwire.callhome import CallHomeSession, Device
from ncwire.errors import (
    CertificateError,
    StepTimeoutError,
    TLSHandshakeError,
    UnknownCertificateError,
)
from servers.tls_callers import ended, half_a_handshake

EDIT = (
    "<edit-config><target><running/></target><config>"
    '<top xmlns="urn:example:top">é</top></config></edit-config>'
)
pytestmark = pytest.mark.usefixtures("leaves_nothing")

# --- who is identified -------------------------------------------------------------------------


@pytest.mark.parametrize("base", [("1.0",), ("1.0", "1.1")], ids=["end-of-message", "chunked"])
def test_a_device_is_known_by_its_name_and_authority(opened, callers, version, base):
    certificate = callers.issue("r1")
    device = Device(name="r1.example")
    listener = opened(device, driver_options=callers.client_options())
    where = callers.call(listener.port, certificate, version=version, base=base)
    session = listener.accept(PATIENCE)
    assert isinstance(session, ncwire.TLSSession)
    assert isinstance(session, CallHomeSession)
    assert (session.device, session.host, session.port) == ("r1.example", "r1.example", None)
    assert session.peer.sockaddr == where
    assert session.channel_info.tls_version == version
    assert session.channel_info.certificate_sha256 == certificate.sha256
    assert session.channel_info.certificate_names == ("r1.example",)
    assert session.driver_choice.by == "the listener"
    assert "<ok" in session.rpc(EDIT).raw
    assert "<top" in session.rpc("<get/>").raw
    ours = ssl.PEM_cert_to_DER_cert(callers.client.certificate.read_text())
    assert callers.certificates_seen.get(timeout=PATIENCE) == ours
    session.close_session()
    # The listener is a persistent one.
    callers.call(listener.port, certificate, version=version, base=base)
    listener.accept(PATIENCE).close_session()
    assert opened.refused.empty()


def test_the_certificate_may_have_a_name_other_than_the_devices(opened, callers):
    listener = opened(
        Device(name="core", driver_options={"server_hostname": "R1.example."}),
        Device(name="192.0.2.7"),
        Device(name="bücher.example"),
        driver_options=callers.client_options(),
    )
    callers.call(listener.port, callers.issue("r1"))
    callers.call(listener.port, callers.issue("address", hosts=("192.0.2.7",)))
    callers.call(listener.port, callers.issue("books", hosts=("xn--bcher-kva.example",)))
    sessions = [listener.accept(PATIENCE) for _ in range(3)]
    assert {session.device for session in sessions} == {"core", "192.0.2.7", "bücher.example"}
    for session in sessions:
        session.close_session()


@pytest.mark.parametrize("form", ["SHA256:{}", "{}"])
def test_a_device_is_known_by_its_fingerprint_alone(opened, callers, version, form):
    """Who has signed it, its names and its dates say nothing more of one that is pinned."""
    certificate = callers.issue("r1", signed_by_itself=True, valid=(-3, -1))
    pin = form.format(certificate.sha256)
    if form == "{}":
        pin = pin.replace(":", "").lower()
    listener = opened(
        Device(name="r1", driver_options={"fingerprint": pin}),
        Device(name="r2", driver_options={"fingerprint": "00" * 32}),
        driver_options=callers.client_options(ca_certs=None),
    )
    callers.call(listener.port, certificate, version=version)
    session = listener.accept(PATIENCE)
    assert session.device == "r1"
    assert session.channel_info.certificate_names == ()
    session.close_session()


def test_pins_and_names_go_together_where_the_authority_is_one(opened, callers):
    pinned, named = callers.issue("a", hosts=()), callers.issue("b")
    listener = opened(
        Device(name="r1", driver_options={"fingerprint": [pinned.sha256, "ab" * 32]}),
        Device(name="b.example"),
        driver_options=callers.client_options(),
    )
    for certificate in (pinned, named):
        callers.call(listener.port, certificate)
    sessions = [listener.accept(PATIENCE) for _ in range(2)]
    assert {session.device for session in sessions} == {"r1", "b.example"}
    for session in sessions:
        session.close_session()


def test_what_all_devices_say_alike_is_the_listeners(opened, callers):
    options = callers.client_options()
    listener = opened(
        Device(name="r1.example", driver_options=options),
        Device(name="r2.example", driver_options=options),
    )
    callers.call(listener.port, callers.issue("r2"))
    session = listener.accept(PATIENCE)
    assert session.device == "r2.example"
    session.close_session()


def test_with_a_context_of_ones_own(opened, callers, refusal):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(callers.client.both)
    context.load_verify_locations(callers.authority.certificate)
    context.check_hostname = False
    listener = opened(Device(name="r1.example"), driver_options={"ssl_context": context})
    callers.call(listener.port, callers.issue("r1"))
    listener.accept(PATIENCE).close_session()
    callers.call(listener.port, callers.issue("r2"))
    assert isinstance(refusal().error, UnknownCertificateError)


def test_others_take_the_place_of_the_devices_until_now(opened, callers, refusal):
    listener = opened(Device(name="r1.example"), driver_options=callers.client_options())
    listener.update([Device(name="r2.example")])
    callers.call(listener.port, callers.issue("r1"))
    assert isinstance(refusal().error, UnknownCertificateError)
    callers.call(listener.port, callers.issue("r2"))
    listener.accept(PATIENCE).close_session()


# --- fifty at once -----------------------------------------------------------------------------


def test_fifty_call_at_once_ten_of_them_hostile(opened, callers, stranger, refusal):
    names = [f"r{number}.example" for number in range(40)]
    contexts = [callers.context(callers.issue(name, hosts=(name,))) for name in names]
    bad = [stranger, callers.issue("expired", valid=(-3, -1)), callers.issue("other")]
    # Long enough for every device on a slow machine, for silent ones are waited for as long.
    listener = opened(
        *(Device(name=name) for name in names),
        driver_options=callers.client_options(),
        timeouts=Timeouts(handshake=8),
    )
    silent = [callers.dial(listener.port) for _ in range(3)]
    talkers = [callers.dial(listener.port) for _ in range(2)]
    half = [callers.dial(listener.port) for _ in range(2)]
    for context in contexts:
        callers.call(listener.port, bad[0], context=context)
    for certificate in bad:
        callers.call(listener.port, certificate)
    for talker in talkers:
        talker.sendall(b"GET / HTTP/1.1\r\nHost: netconf\r\n\r\n" * 64)
    for sock in half:
        sock.sendall(half_a_handshake(callers, sock))

    sessions = [listener.accept(PATIENCE) for _ in names]
    refusals = [refusal() for _ in range(10)]

    assert {session.device for session in sessions} == set(names)
    for session in sessions:
        assert "<data" in session.rpc("<get/>").raw
    kinds = Counter(type(refusal.error) for refusal in refusals)
    assert kinds == {
        CertificateError: 2, UnknownCertificateError: 1, StepTimeoutError: 5, TLSHandshakeError: 2
    }  # fmt: skip
    assert len({refusal.peer for refusal in refusals}) == 10
    assert all(refusal.device is None for refusal in refusals)
    for sock in (*silent, *talkers, *half):
        ended(sock)

    listener.close()
    assert all(session.connected for session in sessions)
    for session in sessions:
        session.close_session()
    assert opened.refused.empty()
