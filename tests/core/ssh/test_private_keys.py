"""Private keys, in every form that ssh-keygen and openssl write."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from ncwire._ssh.auth.private_keys import load, public_half
from ncwire.driver import HostKey
from ncwire.errors import KeyFileError

KINDS = [("ed25519", 0), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048)]
FORMS = ["RFC4716", "PEM", "PKCS8"]
SECRET = "correct horse"


def public_of(path: Path) -> str:
    return Path(f"{path}.pub").read_text().split()[1]


@pytest.mark.parametrize("passphrase", ["", SECRET])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_every_type_and_format(kind, bits, form, passphrase, key_factory):
    path = key_factory.file(kind, bits=bits, form=form, passphrase=passphrase)
    key = load(str(path), passphrase or None)
    assert key.public.base64 == public_of(path)
    assert key.public == HostKey.from_blob(key.public.blob)
    reloaded = load_ssh_private_key(key.openssh, None)
    assert reloaded.public_key() is not None
    attempt = key.attempt("admin")
    assert (attempt.username, attempt.key_type, attempt.blob) == (
        "admin",
        key.public.type,
        key.public.blob,
    )
    assert attempt.private_key == key.openssh
    assert "PRIVATE KEY" not in repr(key) + repr(attempt)


def test_a_passphrase_given_in_vain_does_no_harm(key_factory):
    for form in FORMS:
        load(str(key_factory.file("rsa", bits=2048, form=form)), "not needed")


def problem(path, passphrase=None) -> str:
    with pytest.raises(KeyFileError) as caught:
        load(str(path), passphrase)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)
    return caught.value.problem


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_and_a_wrong_passphrase_are_told_apart(form, key_factory):
    path = key_factory.file("rsa", bits=2048, form=form, passphrase=SECRET)
    assert "no passphrase is given" in problem(path)
    wrong = problem(path, "hunter2")
    assert "does not decrypt" in wrong
    assert "hunter2" not in wrong


def test_no_such_file(tmp_path):
    assert problem(tmp_path / "none") == "no such file"


def test_a_folder_and_a_nul_cannot_be_read(tmp_path):
    assert problem(tmp_path).startswith("cannot be read")
    assert problem("a\0b").startswith("cannot be read")
    assert problem("~no-such-user/key").startswith("cannot be read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path, key_factory):
    path = tmp_path / "key"
    path.write_bytes(key_factory.file("ed25519").read_bytes())
    path.chmod(0)
    assert problem(path) == "cannot be read: Permission denied"


def test_a_public_key_given_by_mistake(key_factory, tmp_path):
    assert "public key" in problem(f"{key_factory.file('ed25519')}.pub")
    pem = tmp_path / "pem"
    pem.write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    assert "public key" in problem(pem)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no private key"),
        ("hello\n", "no private key"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA\n", "certificate"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "not supported: PuTTY"),
        ("-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n", "ssh-dss"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "damaged",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "damaged"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n", "damaged"),
    ],
)
def test_what_is_no_usable_key_is_told_apart(text, words, tmp_path):
    path = tmp_path / "key"
    path.write_text(text)
    assert words in problem(path)


@pytest.mark.parametrize("passphrase", ["", SECRET])
def test_dsa_is_not_supported(passphrase, key_factory):
    try:
        path = key_factory.file("dsa", passphrase=passphrase)
    except subprocess.CalledProcessError:
        pytest.skip("this ssh-keygen makes no DSA keys")
    assert problem(path, passphrase or None) == "not supported: type ssh-dss"


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP256K1()), x25519.X25519PrivateKey.generate()]
)
def test_other_curves_are_not_supported(key, tmp_path):
    path = tmp_path / "key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert "support" in problem(path)


def test_a_truncated_key_is_damaged(tmp_path, key_factory):
    path = tmp_path / "key"
    whole = key_factory.file("ed25519").read_text().splitlines()
    path.write_text("\n".join([*whole[:2], whole[-1]]))
    assert "damaged" in problem(path)


def test_a_compressed_point_is_not_supported(tmp_path, key_factory):
    lines = key_factory.file("ecdsa").read_text().splitlines()
    blob = base64.b64decode("".join(lines[1:-1]))
    head = b"\0\0\0\x08nistp256\0\0\0\x41"
    for point in (blob.index(head) + len(head), blob.rindex(head) + len(head)):
        blob = blob[:point] + b"\2" + blob[point + 1 :]
    path = tmp_path / "key"
    path.write_text("\n".join([lines[0], base64.b64encode(blob).decode(), lines[-1]]))
    assert "not supported" in problem(path)


def test_the_home_folder_is_expanded_and_the_path_kept(home, key_factory):
    (home / ".ssh/id_ed25519").write_bytes(key_factory.file("ed25519").read_bytes())
    assert load("~/.ssh/id_ed25519").path == "~/.ssh/id_ed25519"


def test_the_public_half_beside_it(key_factory, tmp_path):
    path = key_factory.file("ed25519", passphrase=SECRET)
    assert public_half(str(path)).base64 == public_of(path)
    assert public_half(str(tmp_path / "none")) is None
    (tmp_path / "k.pub").write_text("rubbish")
    assert public_half(str(tmp_path / "k")) is None


def test_the_public_half_in_an_encrypted_key_and_in_a_public_one(key_factory, tmp_path):
    path = key_factory.file("ed25519", passphrase="secret one")
    alone = tmp_path / "id"
    alone.write_bytes(path.read_bytes())
    assert public_half(str(alone)).base64 == public_of(path)
    assert public_half(f"{path}.pub").base64 == public_of(path)
