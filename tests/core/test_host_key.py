"""A host key's type, which the peer names and errors tell."""

from __future__ import annotations

import pytest

from ncwire.driver import HostKey


def blob(name: bytes) -> bytes:
    return len(name).to_bytes(4, "big") + name + bytes(36)


def test_the_type_is_the_first_string():
    assert HostKey.from_blob(blob(b"sk-ssh-ed25519@openssh.com")).type == (
        "sk-ssh-ed25519@openssh.com"
    )


@pytest.mark.parametrize(
    "name", [b"", b"x" * 65, b"ssh-\x1b[2J", b"ssh-rsa\nr1", b"ssh rsa", b"ssh-rs\xe4", b"a\x7f"]
)
def test_what_can_be_no_name_is_no_key(name):
    with pytest.raises(ValueError, match="not an SSH public key"):
        HostKey.from_blob(blob(name))
