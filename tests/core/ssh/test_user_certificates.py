"""User certificates: which are presented, and what is said of the others."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ncwire._ssh.auth.private_keys import load as load_key
from ncwire._ssh.auth.user_certificates import (
    CertificateError,
    Certificates,
    from_blob,
    is_certificate,
    load,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ncwire.driver import HostKey


@pytest.fixture
def pair(key_factory, tmp_path):
    """Return a copy of a key, in a folder of the test's own."""

    def copy(kind: str = "ed25519", n: int = 0) -> Path:
        path = tmp_path / f"id_{kind}_{n}"
        for end in ("", ".pub"):
            shutil.copy(f"{key_factory.file(kind, n=n)}{end}", f"{path}{end}")
        return path

    return copy


@pytest.fixture
def certify(key_factory):
    """Sign a key; return the path of its certificate."""

    def sign(key: Path, *more: str, validity: str = "always:forever") -> str:
        authority = key_factory.file("ed25519", n=99)
        command = ["ssh-keygen", "-q", "-s", authority, "-I", "me", "-V", validity, *more]
        subprocess.run([*command, f"{key}.pub"], check=True)
        return f"{key}-cert.pub"

    return sign


def public(key: Path) -> HostKey:
    return load_key(str(key)).public


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_is_read(pair, certify, kind):
    key = pair(kind)
    certificate = load(certify(key, "-n", "ada,bob"))
    assert certificate.key == public(key)
    assert is_certificate(certificate.type)
    assert not is_certificate(certificate.key.type)
    assert str(certificate) == f"certificate {key}-cert.pub ('me' for ada, bob)"
    assert from_blob(certificate.blob, certificate.source) == certificate


def test_without_principals_it_is_for_anyone(pair, certify):
    assert str(load(certify(pair()))).endswith("('me' for anyone)")


def test_what_its_authority_calls_it_cannot_write_on_the_terminal(pair, certify, key_factory):
    key = pair()
    authority = key_factory.file("ed25519", n=99)
    command = ["ssh-keygen", "-q", "-s", authority, "-I", "m\x1b[2Je", "-n", "a\x1b[2Jda"]
    subprocess.run([*command, f"{key}.pub"], check=True)
    assert "\x1b" not in str(load(f"{key}-cert.pub"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no certificate"),
        (b"rubbish", "no certificate"),
        (b"ssh-ed25519-cert-v01@openssh.com !!!! me", "no certificate"),
        (b"ssh-ed25519-cert-v01@openssh.com AAAA me", "no certificate"),
        (b"\0" * 100, "no certificate"),
    ],
)
def test_what_is_no_certificate_is_said_so(tmp_path, content, problem):
    path = tmp_path / "x-cert.pub"
    path.write_bytes(content)
    with pytest.raises(CertificateError, match=problem):
        load(str(path))


def test_a_bare_key_and_no_file_at_all(pair, tmp_path):
    with pytest.raises(CertificateError, match="no certificate"):
        load(f"{pair()}.pub")
    with pytest.raises(CertificateError, match="no such file"):
        load(str(tmp_path / "none"))
    with pytest.raises(CertificateError, match="cannot be read"):
        load(str(tmp_path))


def test_one_that_is_cut_off_is_damaged(pair, certify):
    blob = load(certify(pair())).blob
    with pytest.raises(CertificateError, match="damaged"):
        from_blob(blob[:-10], "x")


def test_a_compressed_point_is_not_supported(pair, certify):
    blob = load(certify(pair("ecdsa"))).blob
    point = blob.index(b"nistp256", blob.index(b"nistp256") + 8) + len(b"nistp256") + 4
    with pytest.raises(CertificateError, match="not supported"):
        from_blob(blob[:point] + b"\2" + blob[point + 1 :], "x")


def test_a_hosts_certificate_is_none_of_the_users(pair, certify):
    with pytest.raises(CertificateError, match="host's certificate"):
        load(certify(pair(), "-h", "-n", "r1"))


@pytest.mark.parametrize(
    ("validity", "problem"),
    [
        ("20200101:20200201", "expired on 2020-0"),
        ("20900101:20910101", "not valid before 20"),
    ],
)
def test_one_out_of_its_time_is_reported_and_not_presented(pair, certify, validity, problem):
    key, said = pair(), []
    path = certify(key, validity=validity)
    assert Certificates([path]).of(public(key), None, said.append) == []
    assert Certificates([]).of(public(key), str(key), said.append) == []
    assert len(said) == 2
    assert all(line.startswith(f"certificate {path}: not tried, {problem}") for line in said)


def test_one_beside_the_key_is_found_and_one_of_another_key_reported(pair, certify):
    key, said = pair(), []
    of = Certificates([]).of
    assert of(public(key), str(key), pytest.fail) == []
    path = certify(key)
    assert [each.source for each in of(public(key), str(key), said.append)] == [path]
    assert [each.source for each in of(public(key), f"{key}.pub", said.append)] == [path]
    assert of(public(key), None, said.append) == []
    assert said == []
    other = pair(n=1)
    shutil.copy(path, f"{other}-cert.pub")
    assert of(public(other), str(other), said.append) == []
    assert said == [f"certificate {other}-cert.pub: not tried, it is for another key"]


def test_named_ones_come_first_and_one_that_is_both_comes_once(pair, certify):
    key = pair()
    beside = certify(key)
    named = str(shutil.copy(beside, key.with_name("named")))
    certificates = Certificates([named, beside])
    found = certificates.of(public(key), str(key), pytest.fail)
    assert [each.source for each in found] == [named, beside]
    assert certificates.unused() == []


def test_named_ones_that_nothing_came_of_are_told(pair, certify, tmp_path):
    stranger = certify(pair())
    missing = str(tmp_path / "missing")
    certificates = Certificates([stranger, missing])
    assert certificates.of(public(pair(n=1)), None, pytest.fail) == []
    assert certificates.unused() == [
        f"certificate {stranger}: not tried, its private key is not there",
        f"certificate {missing}: not tried, no such file",
    ]
