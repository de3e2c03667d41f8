"""What an error about a host key says is to be done: in its text, for who has no command line."""

from __future__ import annotations

import pickle

import pytest

import ncwire
from ncwire.errors import (
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
    UnknownDeviceError,
)
from ncwire.testing import EmbeddedServer

KEY = {"key_type": "ssh-ed25519", "sha256": "SHA256:x"}


def unknown(host: str) -> SSHUnknownHostError:
    return SSHUnknownHostError(host, "ab", **KEY, key_base64="AAAA")


@pytest.mark.parametrize(
    ("host", "scan"),
    [("[r1]:830", "ssh-keyscan -p 830 r1"), ("r1", "ssh-keyscan r1"),
     ("[2001:db8::1]:830", "ssh-keyscan -p 830 2001:db8::1")],
)  # fmt: skip
def test_an_unknown_key_is_compared_and_put_on_file(host, scan):
    error = unknown(host)
    assert error.problem == f"host key of {host} is not known: ssh-ed25519 SHA256:x"
    assert str(error) == f"{error.problem}; {error.advice}"
    for said in ("compare this fingerprint with the device's own", f"`{scan}`", "known_hosts=",
                 "hostkey_b64=", "accept_new=True"):  # fmt: skip
        assert said in error.advice
    assert "AAAA" not in str(error)  # who copies it from here has compared nothing
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_at_a_jump_host_nothing_is_said_of_what_is_for_the_device_alone():
    error = unknown("j1").at_jump_host("j1:22")
    assert str(error).startswith("jump host j1:22: host key of j1 is not known")
    assert "known_hosts=" in error.advice
    assert "hostkey_b64" not in error.advice


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            SSHHostKeyChangedError("r1", "ab", **KEY, filename="kh", line=3),
            "kh:3 has another; someone may be in between, or the device has a new key: ask",
        ),
        (SSHHostKeyChangedError("r1", "ab", **KEY), "only if the new key is right"),
        (SSHHostKeyRevokedError("r1", "ab", **KEY), "do not trust a host that presents it"),
        (SSHHostKeyMismatchError("r1", "ab", **KEY), "ask who runs it"),
    ],
)
def test_others_say_what_to_do_and_none_to_accept_it(error, said):
    assert said in str(error)
    assert "accept_new" not in str(error)


def test_a_stranger_that_calls_is_logged_in_few_words():
    error = UnknownDeviceError("r1", "ab", **KEY, key_base64="AAAA")
    assert str(error) == error.problem == "no device has the host key ssh-ed25519 SHA256:x"
    assert "host_keys" in error.advice


def test_an_error_that_knows_of_no_key_gives_no_advice():
    assert str(SSHUnknownHostError("r1", "ab")) == "host key of r1 is not known: MD5:ab"


def test_it_is_there_at_a_real_connect(tmp_path):
    (tmp_path / "empty").touch()
    with EmbeddedServer() as server, pytest.raises(SSHUnknownHostError) as raised:
        ncwire.connect(
            server.host, port=server.port, username="admin", known_hosts=tmp_path / "empty",
            allow_agent=False, look_for_keys=False, timeout=20,
        )  # fmt: skip
    assert f"ssh-keyscan -p {server.port} {server.host}" in str(raised.value)
