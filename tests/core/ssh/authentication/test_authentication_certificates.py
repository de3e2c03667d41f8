"""Certificates of the user's: which are presented, in which order, and which are not."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from authenticating import (
    PASSWORD,
    PUBLICKEY,
    authenticate,
    identity,
    options,
    refused,
    tried,
)
from scripted_driver import scripted

from ncwire._ssh.auth.user_certificates import load as load_certificate
from ncwire.driver import (
    AgentIdentity,
    Feature,
)


@pytest.fixture
def certified(files, blobs, key_factory, tmp_path):
    """Return a copy of a key's file with a certificate beside it, and the certificate's blob."""
    path = str(tmp_path / "id")
    for end in ("", ".pub"):
        shutil.copy(f"{files[0]}{end}", f"{path}{end}")
    authority = key_factory.file("ed25519", n=99)
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", f"{path}.pub"], check=True)
    return path, load_certificate(f"{path}-cert.pub").blob


def test_a_certificate_comes_before_its_key(certified, files):
    path, certificate = certified
    error = refused(scripted(steps=[PUBLICKEY]), options(key_filename=(path, files[1])))
    assert [each.split(" (")[0] for each in error.attempts] == [
        f"publickey certificate {path}-cert.pub",
        f"publickey {path}",
        f"publickey {files[1]}",
    ]
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[certificate]), options(key_filename=(path,))
    )
    assert [each.certificate for each in driver.attempts] == [certificate]


def test_a_certificate_of_the_usual_places(certified, home):
    path, certificate = certified
    for end in ("", "-cert.pub"):
        shutil.copy(f"{path}{end}", home / f".ssh/id_ed25519{end}")
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[certificate]), options(look_for_keys=True)
    )
    assert tried(driver) == ["key"]


def test_a_certificate_file_for_a_named_key_and_for_the_agents(certified, files, blobs):
    path, certificate = certified
    more = {"certificate_files": (f"{path}-cert.pub",)}
    server = scripted(
        steps=[PUBLICKEY], keys=[certificate], identities=[identity(b) for b in blobs[:2]]
    )
    driver = authenticate(server, options(key_filename=(files[0],), **more))
    assert tried(driver) == ["key"]
    driver = authenticate(server, options(allow_agent=True, **more))
    assert tried(driver) == ["agent"]
    assert driver.attempts[0].certificate == certificate
    assert driver.attempts[0].identity.blob == blobs[0]


def test_the_agents_certificate_comes_before_its_key_and_with_the_named_ones(
    certified, files, blobs
):
    _, certificate = certified
    held = [
        identity(blobs[1], "other"),
        identity(blobs[0], "bare"),
        AgentIdentity("ssh-ed25519-cert-v01@openssh.com", certificate, "certified"),
    ]
    error = refused(
        scripted(steps=[PUBLICKEY], identities=held),
        options(allow_agent=True, identity_files=(files[0],)),
    )
    assert [each.split(",")[0] for each in error.attempts] == [
        "publickey certificate certified",
        "publickey bare",
        "publickey other",
    ]


def test_a_certificate_of_the_agents_that_is_of_no_use_is_told(blobs):
    broken = AgentIdentity("ssh-ed25519-cert-v01@openssh.com", blobs[0], "odd")
    error = refused(scripted(steps=[PUBLICKEY], identities=[broken]), options(allow_agent=True))
    assert error.attempts == ("certificate odd, of the agent: not tried, it is no certificate",)


def test_a_certificate_of_the_agents_that_has_expired_is_not_tried(files, key_factory, tmp_path):
    shutil.copy(f"{files[0]}.pub", tmp_path / "id.pub")
    authority = key_factory.file("ed25519", n=99)
    command = ["ssh-keygen", "-q", "-s", authority, "-I", "me", "-V", "20200101:20200201"]
    subprocess.run([*command, tmp_path / "id.pub"], check=True)
    blob = load_certificate(str(tmp_path / "id-cert.pub")).blob
    held = AgentIdentity("ssh-ed25519-cert-v01@openssh.com", blob, "old")
    error = refused(scripted(steps=[PUBLICKEY], identities=[held]), options(allow_agent=True))
    (line,) = error.attempts
    assert line.startswith("certificate old, of the agent: not tried, expired on 2020-0")


@pytest.mark.parametrize("place", ["file", "agent"])
def test_a_driver_that_presents_no_certificates_says_so(certified, blobs, place):
    path, certificate = certified
    held = AgentIdentity("ssh-ed25519-cert-v01@openssh.com", certificate, "certified")
    driver_class = scripted(steps=[PUBLICKEY], identities=[held] if place == "agent" else [])
    driver_class.features = driver_class.features - {Feature.USER_CERTIFICATE}
    error = refused(
        driver_class,
        options(allow_agent=True, key_filename=(path,) if place == "file" else ()),
    )
    assert "not tried, not supported by driver 'scripted'" in error.attempts[0]
    assert len(error.attempts) == (2 if place == "file" else 1)


def test_certificate_files_need_the_feature():
    needed = options(certificate_files=("x",)).required_features()
    assert needed["certificate_files"] is Feature.USER_CERTIFICATE


def test_a_named_certificate_of_which_nothing_came_is_told(certified):
    path, _ = certified
    error = refused(
        scripted(steps=[PASSWORD]),
        options(password="wrong", certificate_files=(f"{path}-cert.pub",)),
    )
    assert error.attempts[-1].endswith("not tried, its private key is not there")
