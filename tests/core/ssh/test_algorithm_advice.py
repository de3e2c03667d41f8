"""What is advised when nothing is in common, of the drivers that are installed."""

from __future__ import annotations

import dataclasses

import pytest

from ncwire._algorithms.advice import advise
from ncwire._algorithms.offer import choose
from ncwire._plugins.registry import load
from ncwire.driver import Algorithms, Library
from ncwire.errors import NoCommonAlgorithmError
from ncwire_libssh2 import Libssh2Driver

MODERN_SERVER = Algorithms(
    kex=("curve25519-sha256", "curve25519-sha256@libssh.org"),
    host_keys=("ssh-ed25519",),
    ciphers=("aes128-ctr",),
    macs=("hmac-sha2-256",),
    compression=("none",),
)


@pytest.fixture(autouse=True)
def without_holes(monkeypatch):
    """A libssh2 that is mended, whichever is installed."""
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: ())


def advice(driver="paramiko", requested=None, **theirs):
    """Return the advice for what the driver offers and a server like the modern one, but."""
    ours = choose(load(driver), (), requested)
    return advise(
        NoCommonAlgorithmError("kex", ours, dataclasses.replace(MODERN_SERVER, **theirs))
    )


def test_another_driver_that_needs_no_opt_in():
    assert (
        advice(ciphers=("chacha20-poly1305@openssh.com",))
        == "driver libssh2 could, with the default algorithms"
    )


def test_a_legacy_device_needs_names_and_only_the_strongest_of_them():
    assert advice("libssh2", ciphers=("arcfour", "3des-cbc", "aes256-cbc")) == (
        "driver libssh2 could, with "
        "algorithms=AlgorithmPolicy(allow=Algorithms(ciphers=('aes256-cbc',))); "
        "driver paramiko could, with "
        "algorithms=AlgorithmPolicy(allow=Algorithms(ciphers=('aes256-cbc',)))"
    )


def test_a_driver_that_lacks_one_kind_is_not_advised():
    assert advice(kex=("diffie-hellman-group1-sha1",), macs=("hmac-sha1",)) == (
        "driver libssh2 could, with algorithms=AlgorithmPolicy(allow="
        "Algorithms(kex=('diffie-hellman-group1-sha1',), macs=('hmac-sha1',)))"
    )


def test_no_mac_is_asked_for_with_a_cipher_that_needs_none():
    gcm, kex = "aes128-gcm@openssh.com", "diffie-hellman-group1-sha1"
    assert advice(kex=(kex,), ciphers=(gcm,), macs=("x",)) == (
        f"driver libssh2 could, with algorithms=AlgorithmPolicy(allow=Algorithms(kex=({kex!r},)))"
    )


def test_what_the_user_has_left_out_is_in_the_default():
    requested = Algorithms(ciphers=("aes256-ctr",))
    assert "driver paramiko could, with the default algorithms" in advice(requested=requested)


def test_what_has_just_failed_is_no_advice():
    # Paramiko wants a MAC in common even with a cipher that needs none.
    assert advice(ciphers=("aes128-gcm@openssh.com",), macs=("umac-64@openssh.com",)) == (
        "driver libssh2 could, with the default algorithms"
    )


def test_no_driver_can():
    assert advice(kex=("kex@example.net",)) == "no installed driver could"


def test_nothing_is_advised_when_the_servers_offer_is_not_known():
    error = NoCommonAlgorithmError("ciphers", MODERN_SERVER, None)
    assert advise(error) == ""
    assert "no cipher in common: we offer aes128-ctr, what the server offers is not known" in str(
        error
    )


@pytest.mark.parametrize("kind", ["kex", "host_keys", "ciphers", "macs", "compression"])
def test_the_error_tells_what_each_side_offers_and_the_advice(kind):
    theirs = dataclasses.replace(MODERN_SERVER, **{kind: ("x\x1b[31m",)})
    error = NoCommonAlgorithmError(kind, MODERN_SERVER, theirs)
    error.advice = "do something"
    assert f"we offer {', '.join(getattr(MODERN_SERVER, kind))}, the server x\\x1b[31m" in str(
        error
    )
    assert str(error).endswith("; do something")


def test_a_server_cannot_fill_the_screen():
    theirs = dataclasses.replace(MODERN_SERVER, kex=("x" * 100_000,))
    assert len(str(NoCommonAlgorithmError("kex", MODERN_SERVER, theirs))) < 2000


def test_a_driver_with_a_hole_for_strangers_is_advised_for_known_hosts_only(monkeypatch):
    bundled = Library("libssh2", "1.11.1", bundled=True)
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: (bundled,))
    assert advice(ciphers=("chacha20-poly1305@openssh.com",)) == (
        "driver libssh2 could, with the default algorithms, at a host whose key you know "
        "(see: ncwire drivers)"
    )
