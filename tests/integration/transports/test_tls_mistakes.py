"""What people give for files of TLS that is not what they are for, and what they are told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import ncwire
from ncwire.errors import CertificateError, OptionError
from servers.certificates import Authority

pytestmark = pytest.mark.usefixtures("nothing_left")


def connect(server, **options):
    ncwire.connect("127.0.0.1", port=server.port, driver="tls", driver_options=options).close()


@pytest.fixture
def good(certificates):
    return {name: str(path) for name, path in certificates.credentials().items()}


@pytest.fixture
def server(certificates):
    with certificates.serve() as server:
        yield server
        assert server.opened.empty()


@pytest.fixture
def refused(server, good):
    """Connect with one option that must be refused; return what is said."""

    def refused(**options):
        with pytest.raises(OptionError) as caught:
            connect(server, **good | options)
        return str(caught.value).removeprefix("driver_options.")

    return refused


def test_a_certificate_without_its_key(refused, certificates):
    told = refused(keyfile=None)
    assert told == f"keyfile: needed: {certificates.client.certificate} has no private key in PEM"


def test_one_file_in_the_place_of_the_other(refused, certificates):
    certificate, key = certificates.client.certificate, certificates.client.key
    assert refused(certfile=str(key)) == f"certfile: {key} has no certificate in PEM"
    assert refused(keyfile=str(certificate)) == (
        f"keyfile: {certificate} has no private key in PEM"
    )


def test_a_key_of_openssh(refused, tmp_path):
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    told = f"keyfile: {key} is a key of OpenSSH's, which TLS does not take"
    assert refused(keyfile=str(key)) == told
    assert refused(keyfile=str(key), passphrase="any") == told


def test_a_key_from_a_pipe(refused, good, certificates):
    """As `<(...)` of a shell is: it can be read once."""
    for content, told in ((certificates.client.key, None), (good["ca_certs"], "certfile: ")):
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb"), os.fdopen(writing, "wb") as end:
            end.write(Path(content).read_bytes())
            end.close()
            path = f"/dev/fd/{reading}"
            if told is None:
                with certificates.serve() as server:
                    connect(server, **good | {"keyfile": path})
            else:
                assert refused(keyfile=path).startswith(told)


def test_a_chain_in_the_wrong_order(refused, certificates, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        certificates.authority.certificate.read_bytes()
        + certificates.client.certificate.read_bytes()
    )
    key = certificates.client.key
    assert refused(certfile=str(chain)) == (
        f"keyfile: the key in {key} is not {chain}'s, whose first certificate is the client's own"
    )


def test_a_folder_that_openssl_finds_nothing_in(refused, certificates, tmp_path):
    told = f"ca_certs: {tmp_path} has no certificate that is named as openssl rehash does it"
    assert refused(ca_certs=str(tmp_path)) == told
    (tmp_path / "authority.pem").write_bytes(certificates.authority.certificate.read_bytes())
    assert refused(ca_certs=str(tmp_path)) == told


def test_no_authority_is_trusted_for_being_in_the_file_of_revocations(
    refused, certificates, tmp_path
):
    other = Authority(tmp_path, "other")
    crl = tmp_path / "bundle.pem"
    crl.write_bytes(other.revoke().read_bytes() + other.certificate.read_bytes())
    told = f"crl: {crl} has certificates, too, which would be trusted: have lists alone in it"
    assert refused(crl=str(crl)) == told


def test_a_name_that_is_none(refused):
    assert refused(server_hostname="r1\0.example").startswith("server_hostname: 'r1\\x00.exam")


def test_a_passphrase_that_is_no_text(refused, certificates):
    locked = certificates.authority.issue("locked-by-text", passphrase="open sesame")
    told = refused(
        certfile=str(locked.certificate), keyfile=str(locked.key), passphrase="sesame \udcff"
    )
    assert told == "passphrase: is no text that UTF-8 has"


def test_an_authority_in_between_alone(certificates, good, tmp_path):
    between = Authority(tmp_path, "between", Authority(tmp_path, "root"))
    leaf = between.issue("server-of-between")
    with (
        certificates.serve(certificate=leaf) as server,
        pytest.raises(CertificateError, match="ca_certs ends at one in between: have those above"),
    ):
        connect(server, **good | {"ca_certs": str(between.certificate)})
