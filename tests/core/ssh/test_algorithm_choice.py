"""Which algorithms are offered."""

from __future__ import annotations

import dataclasses

import pytest
from scripted_driver import ScriptedDriver

from ncwire._algorithms import offer
from ncwire._algorithms.offer import MODERN
from ncwire.driver import Algorithms
from ncwire.errors import UnsupportedOption

LEGACY = Algorithms(
    kex=("diffie-hellman-group1-sha1", *reversed(MODERN.kex)),
    host_keys=("ssh-dss", "ssh-rsa", *reversed(MODERN.host_keys)),
    ciphers=("arcfour", "3des-cbc", *reversed(MODERN.ciphers)),
    macs=("hmac-md5", *reversed(MODERN.macs)),
    compression=("zlib@openssh.com", "none"),
)


def choose(has, *arguments):
    """Choose for a driver that has these."""
    able = type("Able", (ScriptedDriver,), {"contract": (1, 0), "algorithms": has})
    return offer.choose(able, *arguments)


def test_the_policys_order_counts_not_the_librarys():
    assert choose(LEGACY) == MODERN


def test_only_what_is_available_is_offered():
    few = Algorithms(
        ("curve25519-sha256", "x"), ("ssh-ed25519",), ("aes256-ctr",), ("hmac-sha2-512",)
    )
    expected = dataclasses.replace(few, kex=("curve25519-sha256",), compression=("none",))
    assert choose(few) == expected


def test_nothing_old_is_offered_by_default():
    names = " ".join(name for kind in dataclasses.astuple(MODERN) for name in kind).split()
    old = ("sha1", "md5", "cbc", "arcfour", "dss", "group1-")
    assert not [name for name in names for word in old if word in name]
    assert "ssh-rsa" not in names
    assert MODERN.ciphers[:2] == ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
    assert MODERN.ciphers[-1] == "chacha20-poly1305@openssh.com"
    assert "etm" in MODERN.macs[0]


def test_known_types_come_first_and_rsa_means_sha2():
    offered = choose(LEGACY, ("ssh-rsa",)).host_keys
    assert offered[:3] == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519")
    assert set(offered) == set(MODERN.host_keys)
    offered = choose(LEGACY, ("ssh-rsa", "ecdsa-sha2-nistp384", "ssh-dss")).host_keys
    assert offered[:3] == ("ecdsa-sha2-nistp384", "rsa-sha2-512", "rsa-sha2-256")
    assert "ssh-dss" not in offered


def test_a_request_replaces_the_kinds_that_it_names():
    offered = choose(LEGACY, (), Algorithms(kex=("diffie-hellman-group1-sha1",)))
    assert offered.kex == ("diffie-hellman-group1-sha1",)
    assert offered.ciphers == MODERN.ciphers


@pytest.mark.parametrize("kind", ["kex", "host_keys", "ciphers"])
def test_nothing_in_common_is_refused_and_both_sides_are_named(kind):
    with pytest.raises(
        UnsupportedOption, match=rf"'scripted' .* algorithms.{kind}=\('x', 'y'\); it has .*; no in"
    ):
        choose(LEGACY, (), Algorithms(**{kind: ("x", "y")}))


def test_a_driver_that_has_what_is_asked_for_is_named():
    bare = dataclasses.replace(LEGACY, ciphers=("aes128-ctr",))
    with pytest.raises(UnsupportedOption, match="these drivers do: libssh2"):
        choose(bare, (), Algorithms(ciphers=("chacha20-poly1305@openssh.com",)))


def test_compression_is_offered_only_on_request():
    assert choose(LEGACY).compression == ("none",)
    asked = ("zlib@openssh.com", "none")
    assert choose(LEGACY, (), Algorithms(compression=asked)).compression == asked
    told_nothing = dataclasses.replace(LEGACY, compression=())
    assert choose(told_nothing).compression == ("none",)
    with pytest.raises(UnsupportedOption, match=r"algorithms\.compression"):
        choose(told_nothing, (), Algorithms(compression=asked[:1]))


def test_macs_are_needed_unless_every_cipher_brings_its_own():
    bare = dataclasses.replace(LEGACY, macs=())
    with pytest.raises(UnsupportedOption, match=r"algorithms\.macs"):
        choose(bare)
    aead = ("chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com")
    assert choose(dataclasses.replace(bare, ciphers=aead)).macs == ()
