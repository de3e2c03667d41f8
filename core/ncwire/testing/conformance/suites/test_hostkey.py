"""Host keys: handed over as they came, and found good before anything else is said."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ncwire.driver import SSHDriver
from ncwire.errors import (
    SSHHostKeyChangedError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
    TransportError,
)
from ncwire.testing.conformance.awkward import AwkwardPeer, KexRecorder
from ncwire.testing.conformance.keys import ECDSA, KeyPair
from ncwire.testing.conformance.marking import rule

if TYPE_CHECKING:
    from ncwire.testing.conformance.host import SSHHost
    from ncwire.testing.conformance.rig import Rig

MARKERS = {"ext-info-c", "kex-strict-c-v00@openssh.com", "ext-info-in-auth@openssh.com"}
"""They stand among the key exchanges, and are none (RFC 8308; OpenSSH's PROTOCOL)."""


@rule("hostkey.as-presented")
@pytest.mark.parametrize("kind", ["ssh-ed25519", *ECDSA, "ssh-rsa"])
def test_hostkey_as_presented(ncwire_rig: Rig, kind: str) -> None:
    own = KeyPair.generate(kind)
    host = ncwire_rig.ssh_host(private_host_key=own.private)
    _, presented = ncwire_rig.shaken_hands(host)
    assert (presented.type, presented.blob) == (own.type, own.blob)


@rule("hostkey.certificate-as-presented")
@pytest.mark.parametrize("kind", ["ssh-ed25519", *ECDSA, "ssh-rsa"])
def test_hostkey_certificate_as_presented(ncwire_rig: Rig, kind: str) -> None:
    own = KeyPair.generate(kind)
    certificate = own.host_certificate()
    host = ncwire_rig.ssh_host(private_host_key=own.private, host_certificate=certificate)
    everything = ncwire_rig.driver.algorithms.host_keys  # type: ignore[attr-defined]  # of steps
    certified = tuple(name for name in everything if name.endswith("-cert-v01@openssh.com"))
    _, presented = ncwire_rig.shaken_hands(
        host, dataclasses.replace(ncwire_rig.offer(), host_keys=certified)
    )
    expected_type, expected = certificate.split()[:2]
    assert (presented.type, presented.base64) == (expected_type, expected)


@rule("hostkey.only-offered")
def test_hostkey_only_offered(ncwire_rig: Rig) -> None:
    recorder = KexRecorder()
    peer = AwkwardPeer(recorder)
    ncwire_rig.later("the peer", peer.close)
    offered = ncwire_rig.offer()
    driver = ncwire_rig.steps()
    with suppress(TransportError):  # the peer hangs up after the offer
        driver.handshake(ncwire_rig.socket_to(peer.port), offered, ncwire_rig.soon())
    kex, host_keys, up, down, mac_up, mac_down, zip_up, zip_down, *_ = recorder.lists
    assert [name for name in kex if name not in MARKERS] == list(offered.kex)
    assert host_keys == list(offered.host_keys)
    assert up == down == list(offered.ciphers)
    assert mac_up == mac_down == list(offered.macs)
    assert zip_up == zip_down == list(offered.compression)


@rule("hostkey.unknown-refused")
def test_hostkey_unknown_refused(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    _refused(ncwire_rig, host, "", SSHUnknownHostError)


@rule("hostkey.changed-refused")
def test_hostkey_changed_refused(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    _refused(ncwire_rig, host, f"* {KeyPair.generate().public}\n", SSHHostKeyChangedError)


@rule("hostkey.revoked-refused")
def test_hostkey_revoked_refused(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    _refused(
        ncwire_rig, host, f"{host.known_hosts}@revoked {host.known_hosts}", SSHHostKeyRevokedError
    )


@rule("hostkey.before-authentication")
def test_hostkey_before_authentication(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host()
    ncwire_rig.failure(ncwire_rig.options(host, known_hosts=()))
    assert host.login.attempts == []


def _refused(rig: Rig, host: SSHHost, known_hosts: str, expected: type[TransportError]) -> None:
    path = rig.folder / "known_hosts of the test"
    path.write_text(known_hosts, encoding="ascii")
    error = rig.failure(rig.options(host, known_hosts=(str(path),)))
    # A driver that verifies by itself need not tell the cases apart.
    assert isinstance(error, expected if issubclass(rig.driver, SSHDriver) else TransportError)
    assert host.sessions == 0
