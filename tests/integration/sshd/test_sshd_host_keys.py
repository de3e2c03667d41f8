"""Host keys and host certificates of OpenSSH's sshd: who is let in, and what is kept."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from leaving import leaving_nothing

import ncwire
from ncwire._plugins import registry
from ncwire.driver import Feature
from ncwire.errors import (
    KnownHostsFileError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sshd


def public_key(path: Path) -> str:
    return public_line(path)[1]


def public_line(path: Path) -> list[str]:
    return path.with_name(path.name + ".pub").read_text().split()[:2]


def test_unknown_host_is_refused_with_its_fingerprint(sshd, connect, tmp_path, leaves_nothing):
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(SSHUnknownHostError) as caught:
        connect(sshd, known_hosts=empty)
    assert caught.value.key_type == "ssh-ed25519"
    assert caught.value.sha256.startswith("SHA256:")
    assert len(caught.value.fingerprint.split(":")) == 16


@pytest.mark.parametrize("answer", [True, False])
def test_callback_decides_on_an_unknown_host(sshd, connect, tmp_path, answer):
    asked = []
    empty = tmp_path / "known_hosts"
    empty.touch()

    def unknown_host_cb(host, fingerprint):
        asked.append((host, fingerprint))
        return answer

    if answer:
        assert connect(sshd, known_hosts=empty, unknown_host_cb=unknown_host_cb).connected
    else:
        with pytest.raises(SSHUnknownHostError):
            connect(sshd, known_hosts=empty, unknown_host_cb=unknown_host_cb)
    assert len(asked) == 1
    assert asked[0][1].count(":") == 15


def test_changed_key_is_refused_and_the_callback_not_asked(sshd, connect, tmp_path, key_ring):
    other = public_key(key_ring.key("another", "ed25519"))
    known = tmp_path / "known_hosts"
    known.write_text(f"# old\n[{sshd.host}]:{sshd.port} ssh-ed25519 {other}\n")
    with pytest.raises(SSHHostKeyChangedError, match="known_hosts:2") as caught:
        connect(sshd, known_hosts=known, unknown_host_cb=lambda host, fingerprint: True)
    assert (caught.value.filename, caught.value.line) == (str(known), 2)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_key_type_on_file_is_the_one_negotiated(sshd, connect, tmp_path, kind):
    name = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256", "rsa": "ssh-rsa"}[kind]
    known = tmp_path / "known_hosts"
    known.write_text(f"[{sshd.host}]:{sshd.port} {name} {public_key(sshd.host_keys[kind])}\n")
    assert connect(sshd, known_hosts=known).connected


def test_hostkey_b64_pins(sshd, connect, key_ring):
    pinned = public_key(sshd.host_keys["ed25519"])
    assert connect(sshd, known_hosts="/dev/null", hostkey_b64=pinned).connected
    with pytest.raises(SSHHostKeyMismatchError):
        connect(
            sshd,
            hostkey_b64=public_key(key_ring.key("another", "ed25519")),
            unknown_host_cb=lambda host, fingerprint: True,
        )


def test_revoked_key_is_refused_and_the_callback_not_asked(sshd, connect, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(
        f"{sshd.known_hosts.read_text()}@revoked * ssh-ed25519 "
        f"{public_key(sshd.host_keys['ed25519'])}\n"
    )
    with pytest.raises(SSHHostKeyRevokedError, match=r"known_hosts:4; the key was withdrawn"):
        connect(sshd, known_hosts=known, unknown_host_cb=lambda host, fingerprint: True)


@pytest.fixture
def certified(make_sshd, key_ring):
    """Start an sshd whose ed25519 key is certified; the arguments are more of ssh-keygen's."""

    def start(*arguments):
        certificate = key_ring.host_certificate(
            key_ring.key("host"), key_ring.key("ca"), *arguments
        )
        return make_sshd(config=f"HostCertificate {certificate}")

    return start


def takes_certificates(driver):
    return Feature.HOST_CERTIFICATE in registry.choose(driver).features


def test_host_certificate_is_good_by_its_authority(certified, connect, driver, key_ring, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority 127.* ssh-ed25519 {public_key(key_ring.key('ca'))}\n")
    server = certified("-n", "127.0.0.1")
    if takes_certificates(driver):
        session = connect(server, known_hosts=known)
        assert session.channel_info.host_key_type == "ssh-ed25519-cert-v01@openssh.com"
        assert session.rpc("<echo/>").message_id
        return
    with leaving_nothing(), pytest.raises(SSHUnknownHostError) as caught:
        connect(server, known_hosts=known)
    assert f"known_hosts:1 has an authority for it, but driver {driver!r} cannot" in str(
        caught.value
    )
    assert "these drivers do: openssh, paramiko" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-n", "elsewhere"), "is for 'elsewhere'"),
        (("-V", "20200101:20210101"), "has expired on"),
    ],
)
def test_host_certificate_that_is_not_good_counts_for_its_key(
    certified, connect, driver, key_ring, tmp_path, arguments, reason
):
    server = certified(*arguments)
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * ssh-ed25519 {public_key(key_ring.key('ca'))}\n")
    with leaving_nothing(), pytest.raises(SSHUnknownHostError) as caught:
        connect(server, known_hosts=known)
    assert (reason if takes_certificates(driver) else "cannot take") in caught.value.certificate
    with known.open("a") as file:
        file.write(server.known_hosts.read_text())
    assert connect(server, known_hosts=known).connected


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_host_certificate_of_each_type(make_sshd, connect, driver, key_ring, tmp_path, kind):
    if not takes_certificates(driver):
        pytest.skip(f"{driver} takes no host certificates")
    ca = key_ring.key("ca", kind)
    certificate = key_ring.host_certificate(key_ring.key("host", kind), ca)
    server = make_sshd(config=f"HostCertificate {certificate}")
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {' '.join(public_line(ca))}\n")
    session = connect(server, known_hosts=known)
    assert session.channel_info.host_key_type.endswith("-cert-v01@openssh.com")


def test_revoked_authority_is_refused(certified, connect, driver, key_ring, tmp_path):
    ca = f"* ssh-ed25519 {public_key(key_ring.key('ca'))}\n"
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority {ca}@revoked {ca}")
    server = certified()
    with leaving_nothing(), pytest.raises(SSHUnknownHostError) as caught:
        connect(server, known_hosts=known)
    if takes_certificates(driver):
        assert isinstance(caught.value, SSHHostKeyRevokedError)
        assert caught.value.line == 2


def test_hostkey_b64_pins_the_key_that_has_a_certificate(certified, connect, key_ring, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * ssh-ed25519 {public_key(key_ring.key('ca'))}\n")
    pinned = public_key(key_ring.key("host"))
    server = certified()
    assert connect(server, known_hosts=known, hostkey_b64=pinned).connected
    with pytest.raises(SSHHostKeyMismatchError):
        connect(server, known_hosts=known, hostkey_b64=public_key(key_ring.key("ca")))


def test_new_host_is_added_and_known_from_then_on(sshd, driver, tmp_path):
    known = tmp_path / "new" / "known_hosts"
    parameters = {
        "port": sshd.port, "driver": driver, "known_hosts": known, "username": sshd.user,
        "key_filename": sshd.client_key, "allow_agent": False, "look_for_keys": False,
    }  # fmt: skip
    ncwire.connect(sshd.host, **parameters, accept_new=True).close()
    (line,) = known.read_text().splitlines()
    key = public_key(sshd.host_keys["ed25519"])
    assert line == f"[{sshd.host}]:{sshd.port} ssh-ed25519 {key}"
    assert (known.stat().st_mode & 0o777, known.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    ncwire.connect(sshd.host, **parameters).close()
    ncwire.connect(sshd.host, **parameters, accept_new=True).close()
    assert known.read_text() == f"{line}\n"


def test_changed_or_revoked_key_is_never_added(sshd, connect, tmp_path, key_ring):
    known = tmp_path / "known_hosts"
    for text, kind in (
        (f"* ssh-ed25519 {public_key(key_ring.key('another'))}\n", SSHHostKeyChangedError),
        (f"@revoked * ssh-ed25519 {public_key(key_ring.key('host'))}\n", SSHHostKeyRevokedError),
    ):
        known.write_text(text)
        with leaving_nothing(), pytest.raises(kind):
            connect(sshd, known_hosts=known, accept_new=True)
        assert known.read_text() == text


@pytest.mark.parametrize("answer", [True, False])
def test_callback_decides_whether_a_new_host_is_added(sshd, connect, tmp_path, answer):
    known = tmp_path / "known_hosts"
    known.touch()
    with nullcontext() if answer else pytest.raises(SSHUnknownHostError):
        connect(sshd, known_hosts=known, accept_new=True, unknown_host_cb=lambda host, key: answer)
    assert bool(known.read_text()) is answer


def test_host_whose_key_cannot_be_added_is_not_let_in(sshd, driver, tmp_path):
    known = tmp_path / "missing" / "too" / "known_hosts"
    with leaving_nothing(), pytest.raises(KnownHostsFileError, match=r"known_hosts: .*No such"):
        ncwire.connect(
            sshd.host,
            port=sshd.port,
            driver=driver,
            known_hosts=known,
            accept_new=True,
            password="never sent",
        )


def test_hostkey_verify_false_skips_known_hosts(sshd, connect):
    assert connect(sshd, hostkey_verify=False).connected
