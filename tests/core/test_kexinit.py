"""What a KEXINIT says, and with whom its sender cannot agree."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncwire.driver import Algorithms, KexInit, is_aead
from servers.plain_ssh import AGREEABLE, LISTS, kexinit

OURS = Algorithms(
    ("curve25519-sha256",), ("ssh-ed25519",), ("aes128-ctr",), ("hmac-sha2-256",), ("none",)
)
KIND_OF = {name: name.removesuffix("_out").removesuffix("_in") for name in LISTS}


def test_the_lists_are_read_in_their_order():
    read = KexInit.from_payload(kexinit(**{name: f"{name},second" for name in LISTS}))
    assert read.kex == ("kex", "second")
    assert read.host_keys == ("host_keys", "second")
    assert read.ciphers == (("ciphers_out", "second"), ("ciphers_in", "second"))
    assert read.macs == (("macs_out", "second"), ("macs_in", "second"))
    assert read.compression == (("compression_out", "second"), ("compression_in", "second"))


@pytest.mark.parametrize("length", [0, 1, 16, 17, 20, 30, len(kexinit()) - 14])
def test_what_is_cut_off_is_no_kexinit(length):
    with pytest.raises(ValueError, match=r"KEXINIT|cut off"):
        KexInit.from_payload(kexinit()[:length])


def test_another_message_is_no_kexinit():
    with pytest.raises(ValueError, match="no SSH_MSG_KEXINIT"):
        KexInit.from_payload(b"\x01" + kexinit()[1:])


@given(st.binary(max_size=200).map(lambda rest: b"\x14" + rest))
def test_nothing_but_a_value_error_comes_of_garbage(payload):
    with suppress(ValueError):
        KexInit.from_payload(payload).incompatibility(OURS)


def test_what_fits_is_no_incompatibility():
    assert KexInit.from_payload(kexinit()).incompatibility(OURS) is None


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("offered", ["other", ""])
def test_each_kind_and_direction_must_have_something_in_common(name, offered):
    error = KexInit.from_payload(kexinit(**{name: offered})).incompatibility(OURS)
    assert error is not None
    assert (error.kind, error.ours) == (KIND_OF[name], OURS)
    assert getattr(error.theirs, error.kind) == tuple(filter(None, [offered]))


@pytest.mark.parametrize("first", range(len(LISTS)))
def test_the_first_kind_in_the_order_of_the_rfc_is_named(first):
    offer = KexInit.from_payload(kexinit(**dict.fromkeys(LISTS[first:], "other")))
    assert offer.incompatibility(OURS).kind == KIND_OF[LISTS[first]]


def test_a_cipher_with_its_own_integrity_needs_no_mac():
    gcm = "aes128-gcm@openssh.com"
    ours = dataclasses.replace(OURS, ciphers=(gcm, "aes128-ctr"))
    no_mac = {"macs_out": "other", "macs_in": "other"}
    both = KexInit.from_payload(kexinit(ciphers_out=gcm, ciphers_in=gcm, **no_mac))
    assert both.incompatibility(ours) is None
    one = KexInit.from_payload(kexinit(ciphers_out=gcm, **no_mac))
    assert one.incompatibility(ours).kind == "macs"


def test_what_tells_of_extensions_is_no_key_exchange():
    extensions = "ext-info-s,kex-strict-s-v00@openssh.com"
    offer = KexInit.from_payload(kexinit(kex=f"{AGREEABLE['kex']},{extensions}"))
    assert offer.for_client(OURS).kex == ("curve25519-sha256",)


def test_without_a_word_on_compression_there_is_none():
    ours = dataclasses.replace(OURS, compression=())
    assert KexInit.from_payload(kexinit()).incompatibility(ours) is None


def test_which_ciphers_have_their_own_integrity():
    assert is_aead("aes256-gcm@openssh.com")
    assert is_aead("chacha20-poly1305@openssh.com")
    assert not is_aead("aes256-ctr")
