"""The subject of a certificate that was refused, which `ssl` does not tell."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ncwire_tls.certificate import subject

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=16)
"""Of no more than the 64 bytes that a name may have (RFC 5280 appendix A.1)."""
NOW = dt.datetime.now(dt.UTC)
KEY = ed25519.Ed25519PrivateKey.generate()


def der(*pairs):
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs])
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, NOW, NOW)
    return builder.sign(KEY, None).public_bytes(Encoding.DER)


@given(TEXTS, TEXTS)
def test_it_reads_as_another_library_reads_it(organization, name):
    made = der((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, name))
    theirs = x509.load_der_x509_certificate(made).subject
    assert x509.Name.from_rfc4514_string(subject(made)) == theirs


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([], ""),
        ([(NameOID.COMMON_NAME, "r1")], "CN=r1"),
        ([(NameOID.COUNTRY_NAME, "DE"), (NameOID.LOCALITY_NAME, "a, b")], "L=a\\, b,C=DE"),
        ([(NameOID.SURNAME, "#x")], "2.5.4.4=\\#x"),
        ([(NameOID.COMMON_NAME, " x ")], "CN=\\ x\\ "),
    ],
)
def test_some(pairs, told):
    assert subject(der(*pairs)) == told


@given(st.data())
def test_what_is_no_certificate_has_none(data):
    made = der((NameOID.COMMON_NAME, "r1"))
    at = data.draw(st.integers(0, len(made) - 1))
    subject(made[:at])
    subject(made[:at] + data.draw(st.binary(min_size=1, max_size=4)) + made[at + 1 :])
    subject(data.draw(st.binary(max_size=100)))
    assert subject(b"") == ""
