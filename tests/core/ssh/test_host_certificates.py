"""Which host certificates are good, and what is made of those that are not."""

from __future__ import annotations

import base64
import dataclasses
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncwire._algorithms.offer import MODERN, choose
from ncwire._ssh.hostkeys.certificates import CERTIFICATE_TYPES, HostCertificate
from ncwire._ssh.hostkeys.known_hosts import KnownHosts, KnownHostsFile
from ncwire._ssh.hostkeys.policy import HostKeyPolicy
from ncwire.driver import Algorithms, HostKey
from ncwire.errors import (
    HandshakeError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)

FOREVER = ("-V", "always:forever")


def read(path) -> HostKey:
    return HostKey.from_blob(base64.b64decode(path.read_text().split()[1]))


def public(path) -> HostKey:
    return read(path.with_name(path.name + ".pub"))


@pytest.fixture(scope="module")
def keys(key_ring):
    class Keys:
        ca, other_ca, host = (key_ring.key(name) for name in ("ca", "other-ca", "host"))
        key = public(host)

    return Keys


@pytest.fixture(scope="module")
def certify(key_ring, keys):
    def certify(*arguments, authority=keys.ca, key=keys.host) -> HostKey:
        return read(key_ring.host_certificate(key, authority, *(arguments or FOREVER)))

    return certify


def policy(*lines, host="r1", port=22, **more):
    text = "".join(f"{names} {key.type} {key.base64}\n" for names, key in lines)
    known = KnownHosts([KnownHostsFile("kh", text.encode())])
    return HostKeyPolicy(host=host, port=port, known_hosts=known, **more)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("signing", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_of_each_type_by_an_authority_of_each_type(key_ring, certify, kind, signing):
    authority, key = key_ring.key("ca", signing), key_ring.key("host", kind)
    presented = certify("-n", "r0,r1", authority=authority, key=key)
    read = HostCertificate.read(presented)
    assert read.key == public(key)
    assert read.authority == public(authority)
    policy(("@cert-authority r1", public(authority))).verify(presented)


@pytest.mark.parametrize(
    ("names", "host", "port", "alias"),
    [
        ("r1", "r1", 22, None),
        ("r1", "R1", 830, None),
        ("[r1]:830", "r1", 830, None),
        ("r?", "r1", 830, None),
        ("lab", "10.0.0.1", 830, "lab"),
    ],
)
def test_the_authority_and_the_principal_are_those_of_the_name(
    keys, certify, names, host, port, alias
):
    checked = policy(
        (f"@cert-authority {names}", public(keys.ca)), host=host, port=port, alias=alias
    )
    checked.verify(certify("-n", alias or "r1"))
    with pytest.raises(SSHUnknownHostError, match="is for 'elsewhere', not for "):
        checked.verify(certify("-n", "elsewhere"))


def test_no_principals_mean_any(keys, certify):
    policy(("@cert-authority *", public(keys.ca))).verify(certify())


@pytest.mark.parametrize("principal", ["R1", "r*", "[r1]:830", "r1:830", "10.0.0.1"])
def test_a_principal_is_the_name_itself(keys, certify, principal):
    with pytest.raises(SSHUnknownHostError, match="not for r1"):
        policy(("@cert-authority *", public(keys.ca)), port=830).verify(certify("-n", principal))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-V", "20200101:20210101"), r"has expired on 20\d\d-"),
        (("-V", "20980101:20990101"), r"is not valid before 209\d-"),
        (("-n", "a,b"), "is for 'a', 'b', not for r1"),
        (("-O", "critical:strange@x=1"), r"has unknown options: 'strange@x'"),
    ],
)
class TestOneThatIsNotGood:
    def test_is_refused_with_the_reason(self, keys, certify, arguments, reason):
        with pytest.raises(SSHUnknownHostError, match=f"its certificate {reason}") as caught:
            policy(("@cert-authority *", public(keys.ca))).verify(certify(*arguments))
        assert caught.value.sha256 == keys.key.sha256
        assert caught.value.fingerprint == keys.key.md5
        assert caught.value.key_base64 == keys.key.base64

    def test_counts_for_the_key_in_it(self, keys, certify, arguments, reason):
        presented = certify(*arguments)
        lines = (("@cert-authority *", public(keys.ca)),)
        policy(*lines, ("r1", keys.key)).verify(presented)
        policy(*lines, ("r1", keys.key), port=830).verify(presented)
        with pytest.raises(SSHHostKeyChangedError, match=reason):
            policy(*lines, ("r1", public(keys.other_ca))).verify(presented)
        asked = []
        policy(*lines, unknown_host_cb=lambda *new: asked.append(new) or True).verify(presented)
        assert asked == [("r1", keys.key.md5)]


def test_a_users_certificate_is_no_hosts(key_ring, keys, certify, tmp_path):
    copy = tmp_path / "user.pub"
    copy.write_bytes(keys.host.with_name(keys.host.name + ".pub").read_bytes())
    subprocess.run(["ssh-keygen", "-q", "-s", keys.ca, "-I", "x", "-n", "r1", copy], check=True)
    with pytest.raises(SSHUnknownHostError, match="is a user certificate"):
        policy(("@cert-authority *", public(keys.ca))).verify(read(tmp_path / "user-cert.pub"))


def test_an_authority_that_signs_with_sha1_is_not_trusted(key_ring, certify):
    authority = key_ring.key("ca", "rsa")
    presented = certify("-n", "r1", "-t", "ssh-rsa", authority=authority)
    with pytest.raises(SSHUnknownHostError, match="signed with ssh-rsa, by SHA-1"):
        policy(("@cert-authority *", public(authority))).verify(presented)


def test_an_authority_on_a_security_key_is_not_believed_unverified(keys):
    def string(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    kind = b"sk-ssh-ed25519@openssh.com"
    authority = HostKey.from_blob(string(kind) + string(bytes(32)) + string(b"ssh:"))
    plain = keys.key.blob.removeprefix(string(b"ssh-ed25519"))
    presented = HostKey.from_blob(
        string(b"ssh-ed25519-cert-v01@openssh.com") + string(b"nonce") + plain
        + bytes(8) + b"\0\0\0\x02" + string(b"id") + string(b"") + bytes(8) + b"\xff" * 8
        + string(b"") + string(b"") + string(b"") + string(authority.blob)
        + string(string(kind) + string(bytes(64)) + bytes(5))
    )  # fmt: skip
    lines = (("@cert-authority *", authority),)
    with pytest.raises(SSHUnknownHostError, match="security keys cannot be verified"):
        policy(*lines).verify(presented)
    policy(*lines, ("r1", keys.key)).verify(presented)


def test_another_authority_is_named(keys, certify):
    presented = certify(authority=keys.other_ca)
    signer = public(keys.other_ca)
    for lines in ((), (("@cert-authority *", public(keys.ca)),), (("r2", signer),)):
        with pytest.raises(SSHUnknownHostError) as caught:
            policy(*lines).verify(presented)
        assert f"signed by {signer.type} {signer.sha256}, which is no" in str(caught.value)


def test_an_authority_for_the_port_or_for_the_host_is_good(keys, certify):
    lines = (
        ("@cert-authority [r1]:830", public(keys.other_ca)),
        ("@cert-authority r1", public(keys.ca)),
    )
    policy(*lines, port=830).verify(certify(authority=keys.other_ca))
    policy(*lines, port=830).verify(certify())


def test_a_certificate_by_anybody_makes_no_key_good_for_a_port_that_has_another(keys, certify):
    lines = (("[r1]:830", public(keys.other_ca)), ("r1", keys.key))
    for presented in (keys.key, certify()):
        with pytest.raises(SSHHostKeyChangedError):
            policy(*lines, port=830).verify(presented)


@pytest.mark.parametrize("names", ["r1", "*", "[r1]:830"])
def test_a_revoked_authority_or_key_is_refused_whatever_else_is_known(keys, certify, names):
    lines = (("@cert-authority *", public(keys.ca)), ("*", keys.key))
    for revoked, word in ((public(keys.ca), "signed its certificate"), (keys.key, "is revoked")):
        checked = policy(
            *lines,
            (f"@revoked {names}", revoked),
            port=830,
            unknown_host_cb=lambda *_: True,
            verify_known=False,
        )
        with pytest.raises(SSHHostKeyRevokedError, match=word) as caught:
            checked.verify(certify())
        assert caught.value.line == 3


def test_the_pinned_key_is_the_one_in_the_certificate(keys, certify):
    policy(pinned=keys.key).verify(certify())
    with pytest.raises(SSHHostKeyMismatchError):
        policy(("@cert-authority *", public(keys.ca)), pinned=public(keys.ca)).verify(certify())


@pytest.mark.parametrize("place", [40, 90, 130, 160, 250, -1, -40, -80])
def test_a_forged_certificate_ends_the_handshake(keys, certify, place):
    blob = bytearray(certify("-n", "r1").blob)
    blob[place] ^= 1
    checked = policy(
        ("@cert-authority *", public(keys.ca)), ("*", keys.key), unknown_host_cb=lambda *_: True
    )
    with pytest.raises(HandshakeError, match=r"host certificate \(.*\)"):
        checked.verify(HostKey.from_blob(bytes(blob)))


@pytest.fixture(scope="module")
def good(certify):
    return certify("-n", "r1", "-O", "critical:x=1")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_do_more_harm_than_an_error(good, data):
    blob = bytearray(good.blob)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(blob) - 1))
        blob[place : place + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    presented = HostKey("ssh-ed25519-cert-v01@openssh.com", bytes(blob))
    try:
        HostCertificate.read(presented)
    except HandshakeError:
        return
    assert bytes(blob) == good.blob


def test_a_certificate_that_never_begins_can_be_told_of(keys, certify):
    presented = certify("-V", "0xfffffffffffffffe:forever")
    with pytest.raises(SSHUnknownHostError, match="is not valid before 9999-12-31"):
        policy(("@cert-authority *", public(keys.ca))).verify(presented)


# --- what is asked for -------------------------------------------------------------------------


class Able:
    """A driver, as far as algorithms are chosen by it."""

    name = "able"
    algorithms = dataclasses.replace(
        MODERN,
        host_keys=(
            *MODERN.host_keys,
            *(f"{name}-cert-v01@openssh.com" for name in MODERN.host_keys),
        ),
    )


def offered(checked, requested=None) -> tuple[str, ...]:
    return choose(Able, checked.key_types(), requested).host_keys


CERTIFIED = tuple(f"{name}-cert-v01@openssh.com" for name in MODERN.host_keys)


def test_certificates_are_asked_for_first_when_an_authority_is_on_file(keys):
    line = ("@cert-authority *", public(keys.ca))
    assert policy(line).key_types() == CERTIFICATE_TYPES
    assert offered(policy(line)) == (*CERTIFIED, *MODERN.host_keys)
    assert offered(policy(line), Algorithms(host_keys=("ssh-ed25519",))) == (
        "ssh-ed25519-cert-v01@openssh.com",
        "ssh-ed25519",
    )
    exact = ("ecdsa-sha2-nistp256", "ssh-ed25519-cert-v01@openssh.com")
    assert set(offered(policy(line), Algorithms(host_keys=exact))) == set(exact)


def test_certificates_are_asked_for_in_no_other_case(keys, key_factory):
    ca, rsa = public(keys.ca), key_factory.public("rsa", bits=2048)
    for checked in (
        policy(),
        policy(("r1", ca)),
        policy(("@revoked r1", ca)),
        policy(("@cert-authority r2", ca)),
        policy(("@cert-authority r1", ca), alias="lab"),
        policy(("@cert-authority r1", ca), pinned=rsa),
        policy(("@cert-authority r1", ca), no_certificates=lambda: "no"),
    ):
        assert not [name for name in offered(checked) if "cert" in name]


def test_known_keys_stay_preferred_beside_certificates(keys, key_factory):
    rsa = key_factory.public("rsa", bits=2048)
    ca = public(keys.ca)
    first = offered(policy(("@cert-authority r1", ca), ("r1", rsa)))
    assert first[len(CERTIFIED)] == "rsa-sha2-512"
    # An authority for the plain name only: the key that is on file for the port comes first.
    first = offered(policy(("@cert-authority r1", ca), ("[r1]:830", rsa), port=830))
    assert first[:5] == (
        "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com",
        "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519",
    )  # fmt: skip


def test_a_host_without_its_certificate_is_told_of(keys):
    lines = ("@cert-authority *", public(keys.ca))
    with pytest.raises(SSHUnknownHostError, match=r"kh:1 has .*but it presents no certificate"):
        policy(lines).verify(keys.key)
    with pytest.raises(SSHUnknownHostError, match=r"kh:1 has .*but the driver cannot"):
        policy(lines, no_certificates=lambda: "the driver cannot").verify(keys.key)


def test_why_there_are_no_certificates_is_not_asked_of_a_known_host(keys):
    checked = policy(
        ("@cert-authority *", public(keys.ca)),
        ("r1", keys.key),
        no_certificates=lambda: pytest.fail("asked"),
    )
    checked.verify(keys.key)


@pytest.mark.parametrize("whose", ["the host's", "the authority's"])
def test_a_compressed_point_is_a_malformed_certificate(key_ring, certify, whose):
    kind, signing = ("ecdsa", "ed25519") if whose == "the host's" else ("ed25519", "ecdsa")
    key, authority = key_ring.key("host", kind), key_ring.key("ca", signing)
    blob = certify("-n", "r1", authority=authority, key=key).blob
    head = b"\0\0\0\x08nistp256\0\0\0\x41"
    point = blob.index(head) + len(head)
    presented = HostKey.from_blob(blob[:point] + b"\2" + blob[point + 1 :])
    with pytest.raises(HandshakeError, match="is malformed"):
        HostCertificate.read(presented)
