"""Host keys with the driver openssh: ssh's own key, judged by the core before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ncwire.errors import (
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)
from servers.keyring import public

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sshd


def line(server, key, marker=""):
    return f"{marker} [{server.host}]:{server.port} {public(key)}\n".lstrip()


@pytest.fixture
def nowhere(tmp_path) -> Path:
    path = tmp_path / "known_hosts"
    path.touch()
    return path


def test_the_callback_is_asked_about_an_unknown_host_and_decides(connect, sshd, nowhere):
    asked = []

    def answer(accept):
        return lambda host, fingerprint: asked.append((host, fingerprint)) or accept

    with pytest.raises(SSHUnknownHostError) as caught:
        connect(sshd, known_hosts=nowhere, unknown_host_cb=answer(accept=False))
    assert connect(sshd, known_hosts=nowhere, unknown_host_cb=answer(accept=True)).connected
    assert asked == [(sshd.host, caught.value.fingerprint)] * 2
    assert nowhere.read_text() == ""


def test_what_the_callback_raises_comes_out(connect, sshd, nowhere):
    class OwnError(Exception):
        pass

    def ask(host, fingerprint):
        raise OwnError

    with pytest.raises(OwnError):
        connect(sshd, known_hosts=nowhere, unknown_host_cb=ask)


def test_accept_new_puts_the_key_on_file_that_the_session_uses(connect, sshd, nowhere):
    session = connect(sshd, known_hosts=nowhere, accept_new=True)
    assert session.connected
    _, kind, blob = nowhere.read_text().split()
    assert session.channel_info.host_key_type == kind
    assert blob in {public(key).split()[1] for key in sshd.host_keys.values()}
    assert connect(sshd, known_hosts=nowhere).connected


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_key_that_is_pinned_is_negotiated_and_no_other_is_good(connect, sshd, nowhere, kind):
    pinned = public(sshd.host_keys[kind]).split()[1]
    session = connect(sshd, known_hosts=nowhere, hostkey_b64=pinned)
    assert kind[:3] in session.channel_info.host_key_type


def test_another_than_the_pinned_key_is_refused_though_it_is_on_file(connect, sshd, key_ring):
    pinned = public(key_ring.key("somebody-elses")).split()[1]
    with pytest.raises(SSHHostKeyMismatchError):
        connect(sshd, hostkey_b64=pinned)
    assert "Accepted" not in sshd.log().rpartition("Connection from")[2]


def test_the_type_that_is_on_file_is_negotiated(connect, sshd, nowhere):
    nowhere.write_text(line(sshd, sshd.host_keys["rsa"]))
    assert connect(sshd, known_hosts=nowhere).channel_info.host_key_type == "ssh-rsa"


def test_a_changed_key_is_told_with_its_line_and_nobody_is_asked(connect, sshd, nowhere, key_ring):
    nowhere.write_text("# a comment\n" + line(sshd, key_ring.key("somebody-elses")))
    with pytest.raises(SSHHostKeyChangedError) as caught:
        connect(sshd, known_hosts=nowhere, unknown_host_cb=lambda *_: True)
    assert (caught.value.filename, caught.value.line) == (str(nowhere), 2)


def test_no_verification_takes_a_changed_key_and_never_a_revoked_one(
    connect, make_sshd, tmp_path, key_ring
):
    server = make_sshd(host_key_types=("ed25519",))
    files = tmp_path / "known_hosts"
    files.write_text(line(server, key_ring.key("somebody-elses")))
    config = tmp_path / "config"
    config.write_text(f"Host *\n    UserKnownHostsFile {files}\n    GlobalKnownHostsFile none\n")
    relaxed = {"hostkey_verify": False, "ssh_config": str(config)}
    assert connect(server, **relaxed).connected
    files.write_text(line(server, server.host_keys["ed25519"], "@revoked"))
    with pytest.raises(SSHHostKeyRevokedError):
        connect(server, **relaxed)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_is_good_by_its_authority(connect, make_sshd, tmp_path, key_ring, kind):
    authority = key_ring.key("authority")
    own = key_ring.key("host", kind)
    certificate = key_ring.host_certificate(own, authority, "-n", "127.0.0.1")
    server = make_sshd(host_key_types=(kind,), config=f"HostCertificate {certificate}")
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {public(authority)}\n")
    session = connect(server, known_hosts=known)
    assert session.channel_info.host_key_type.endswith("-cert-v01@openssh.com")


@pytest.mark.parametrize("validity", [("-n", "another"), ("-V", "20200101:20210101")])
def test_a_certificate_that_is_not_for_the_host_or_over_is_refused(
    connect, make_sshd, tmp_path, key_ring, validity
):
    authority = key_ring.key("authority")
    certificate = key_ring.host_certificate(key_ring.key("host"), authority, *validity)
    server = make_sshd(host_key_types=("ed25519",), config=f"HostCertificate {certificate}")
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {public(authority)}\n")
    with pytest.raises(SSHUnknownHostError):
        connect(server, known_hosts=known)
    known.write_text(known.read_text() + line(server, server.host_keys["ed25519"]))
    assert connect(server, known_hosts=known).connected


def test_an_alias_is_what_the_host_is_looked_up_by(connect, sshd, nowhere, tmp_path):
    nowhere.write_text(f"the-alias {public(sshd.host_keys['ed25519'])}\n")
    config = tmp_path / "config"
    config.write_text("Host *\n    HostKeyAlias the-alias\n")
    assert connect(sshd, known_hosts=nowhere, ssh_config=str(config)).connected
