"""What is known of a host, and what is made of its key: agreed with OpenSSH's own programs.

Files are generated, with all that known_hosts can have; `ssh-keygen -F` says what it finds in
them, and `ssh` itself what it makes of a real server's key or certificate.
"""

from __future__ import annotations

import base64
import hmac
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ncwire._algorithms.public_keys import is_certificate
from ncwire._ssh.hostkeys.certificates import HostCertificate
from ncwire._ssh.hostkeys.known_hosts import CERT_AUTHORITY, REVOKED, read_known_hosts
from ncwire._ssh.hostkeys.policy import HostKeyPolicy
from ncwire.driver import HostKey
from ncwire.errors import (
    SSHHostKeyChangedError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)
from servers.keyring import HOST_KEY_TYPES
from servers.sshd import Sshd, SshdSettings

pytestmark = pytest.mark.sshd

PRINCIPALS = ("127.0.0.1", "lab")
RUNS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Server:
    """A server, and what it may present."""

    port: int
    user: str
    presents: dict[str, HostKey]


def load(path: Path) -> HostKey:
    return HostKey.from_blob(base64.b64decode(path.read_text().split()[1]))


@pytest.fixture(scope="module")
def keys(key_ring):
    """Every key that a file may have, by a name for it."""
    paths = {
        **{kind: key_ring.key("host", kind) for kind in HOST_KEY_TYPES},
        **{name: key_ring.key(name) for name in ("ca", "another", "stranger")},
        "rsa-ca": key_ring.key("ca", "rsa"),
    }
    return {name: load(Path(f"{path}.pub")) for name, path in paths.items()}


@pytest.fixture(scope="module")
def servers(key_ring, keys):
    """Servers with the same keys: one without a certificate, the others with different ones."""
    if shutil.which("ssh") is None:
        pytest.skip("needs ssh (Debian package openssh-client)")
    plain, ca = key_ring.key("host"), key_ring.key("ca")
    certificates = {
        "plain": None,
        "certified": key_ring.host_certificate(plain, ca, "-n", ",".join(PRINCIPALS)),
        "for any": key_ring.host_certificate(plain, key_ring.key("ca", "rsa")),
        "for another": key_ring.host_certificate(plain, ca, "-n", "elsewhere"),
        "expired": key_ring.host_certificate(plain, ca, "-V", "20200101:20210101"),
    }
    started, running = {}, []
    try:
        for name, certificate in certificates.items():
            config = "" if certificate is None else f"HostCertificate {certificate}"
            sshd = Sshd(SshdSettings(config=config), key_ring)
            running.append(sshd)
            presents = {keys[kind].type: keys[kind] for kind in HOST_KEY_TYPES}
            if certificate is not None:
                presents[load(certificate).type] = load(certificate)
            started[name] = Server(sshd.port, sshd.user, presents)
        yield started
    finally:
        for sshd in running:
            sshd.end()


# --- files -------------------------------------------------------------------------------------

NAMES = (
    "127.0.0.1", "[127.0.0.1]:{port}", "lab", "LAB", "r1", "127.0.*", "[127.0.0.?]:*", "*", "l?b",
    "*1*:{port}", "[127.0.0.1]:22", "127.0.0.1:{port}", "[lab]:{port}",
)  # fmt: skip
LIKELY = ("127.0.0.1", "[127.0.0.1]:{port}", "lab", "*")
name = st.sampled_from(NAMES) | st.sampled_from(LIKELY)
names = st.lists(
    st.tuples(st.sampled_from(["", "", "", "", "!"]), name).map("".join), min_size=1, max_size=2
).map(",".join)
hashed = name.filter(lambda each: not set(each) & set("*?")).map("hash of {}".format)
marker = st.sampled_from(["", "", "", REVOKED, CERT_AUTHORITY, CERT_AUTHORITY])
key = st.sampled_from(
    ["ed25519", "ed25519", "ecdsa", "rsa", "ca", "ca", "rsa-ca", "another", "stranger"]
)
entry = st.tuples(marker, names | hashed, key, st.sampled_from(["{}", "\t{}", "{} a comment"]))
oddity = st.sampled_from(
    [
        "", "# a comment", "  # 127.0.0.1 {key}", "127.0.0.1", "* ssh-ed25519", "* garbage x",
        "@no-such-marker * {key}", "@revoked", "@revoked @revoked * {key}", "@revoked\t* {key}",
        "*\t{key}", "* 1024 35 123456789", "* ssh-ed25519 AAAA", "* {truncated}", "* {key}AAAA",
        "|1|no-base64|x {key}", "* ssh-rsa {blob}", "* ssh-foo {blob}", "* #{key}", "\x7f\x80 x y",
        "*,{key}", "* {rsa-by-signature}", "* {key}\r",
    ]
)  # fmt: skip
files = st.lists(entry | oddity, min_size=1, max_size=6)


def hash_of(each: str) -> str:
    salt = b"salt of a test's " + bytes(3)
    digest = hmac.digest(salt, each.lower().encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def write(path: Path, lines, keys, port: int) -> None:
    def line(item) -> str:
        if isinstance(item, str):
            odd = keys["another"]
            text = f"{odd.type} {odd.base64}"
            for word, value in {
                "key": text, "truncated": text[:-12], "blob": odd.base64,
                "rsa-by-signature": f"rsa-sha2-512 {keys['rsa'].base64}",
            }.items():  # fmt: skip
                item = item.replace(f"{{{word}}}", value)
            return item
        marked, names, which, form = item
        names = names.replace("{port}", str(port))
        if names.startswith("hash of "):
            names = hash_of(names.removeprefix("hash of "))
        fields = (marked, names, keys[which].type, keys[which].base64)
        return form.format(" ".join(field for field in fields if field))

    text = "\n".join(line(item) for item in lines) + "\n"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


# --- agreement ---------------------------------------------------------------------------------

FOUND = re.compile(r"^# Host .* found: line (\d+) ?(.*)$", re.MULTILINE)


@settings(RUNS, max_examples=15)
@given(lines=files, asked=st.lists(name, min_size=1, max_size=3, unique=True))
def test_what_is_found_is_what_ssh_keygen_finds(lines, asked, keys, tmp_path):
    path = tmp_path / "known_hosts"
    write(path, lines, keys, 830)
    known = read_known_hosts([str(path)])
    for each in asked:
        wanted = each.replace("{port}", "830")
        # ssh-keygen hashes the name as it is; ssh makes it lower case first.
        command = ["ssh-keygen", "-l", "-F", wanted.lower(), "-f", path]
        said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
        theirs = [
            (int(line), {"": "", "CA": CERT_AUTHORITY, "REVOKED": REVOKED}[marked])
            for line, marked in FOUND.findall(said)
        ]
        assert [(found.line, found.marker) for found in known.lookup(wanted)] == theirs


@settings(RUNS, max_examples=20)
@given(
    lines=files,
    which=st.sampled_from(
        ["plain", "certified", "certified", "for any", "for another", "expired"]
    ),
    alias=st.sampled_from([None, None, "lab", "r1"]),
)
@example(lines=[("", "*", "ed25519", "{}")], which="plain", alias=None)
@example(lines=[("", "*", "another", "{}")], which="certified", alias=None)
@example(lines=[(CERT_AUTHORITY, "127.0.*", "ca", "{}")], which="certified", alias=None)
@example(lines=[(CERT_AUTHORITY, "*", "ca", "{}")], which="certified", alias="lab")
@example(lines=[(CERT_AUTHORITY, "*", "ca", "{}")], which="certified", alias="r1")
@example(lines=[(CERT_AUTHORITY, "*", "rsa-ca", "{}")], which="for any", alias="r1")
@example(lines=[(CERT_AUTHORITY, "*", "ca", "{}")], which="expired", alias=None)
@example(
    lines=[(CERT_AUTHORITY, "*", "ca", "{}"), ("", "*", "ed25519", "{}")],
    which="for another",
    alias=None,
)
@example(
    lines=[(CERT_AUTHORITY, "*", "ca", "{}"), (REVOKED, "*", "ca", "{}")],
    which="certified",
    alias=None,
)
@example(
    lines=[
        (CERT_AUTHORITY, "[127.0.0.1]:{port}", "another", "{}"),
        (CERT_AUTHORITY, "127.0.0.1", "ca", "{}"),
    ],
    which="certified",
    alias=None,
)
@example(
    lines=[("", "[127.0.0.1]:{port}", "ed25519", "{}"), (REVOKED, "127.0.0.1", "ed25519", "{}")],
    which="plain",
    alias=None,
)
@example(
    lines=[("", "[127.0.0.1]:{port}", "another", "{}"), ("", "127.0.0.1", "ed25519", "{}")],
    which="certified",
    alias=None,
)
def test_the_verdict_is_that_of_ssh(lines, which, alias, keys, servers, tmp_path):
    server = servers[which]
    path = tmp_path / "known_hosts"
    write(path, lines, keys, server.port)
    presented, theirs = verdict_of_ssh(server, path, alias)
    policy = HostKeyPolicy(
        host="127.0.0.1",
        port=server.port,
        alias=alias,
        known_hosts=read_known_hosts([str(path)]),
    )
    ours, refused = our_verdict(policy, presented)
    if ours != theirs:
        assert is_stricter(policy, presented, refused), (ours, theirs, path.read_bytes())


def verdict_of_ssh(server: Server, path: Path, alias: str | None) -> tuple[HostKey, str]:
    """Return what the server presented to ssh, and what ssh made of it."""
    wanted = {
        "StrictHostKeyChecking": "yes", "UserKnownHostsFile": path, "BatchMode": "yes",
        "GlobalKnownHostsFile": "/dev/null", "PreferredAuthentications": "none",
        **({"HostKeyAlias": alias} if alias else {}),
    }  # fmt: skip
    options = [f"-o{option}={value}" for option, value in wanted.items()]
    command = ["ssh", "-v", "-F", "none", *options, "-p", str(server.port), "-l", server.user]
    said = subprocess.run(
        [*command, "127.0.0.1"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    ).stderr
    (key_type,) = re.findall(r"Server host (?:key|certificate): (\S+) ", said)
    for words, verdict in VERDICTS.items():
        if words in said:
            return server.presents[key_type], verdict
    raise AssertionError(said)


VERDICTS = {
    "is marked as revoked": "revoked",
    "REMOTE HOST IDENTIFICATION HAS CHANGED": "changed",
    "you have requested strict checking": "unknown",
    "Permission denied": "accepted",
}
"""What ssh says first of these; the words for "unknown" stand in others' messages too."""


def our_verdict(
    policy: HostKeyPolicy, presented: HostKey
) -> tuple[str, SSHUnknownHostError | None]:
    try:
        policy.verify(presented)
    except SSHHostKeyRevokedError as error:
        return "revoked", error
    except SSHHostKeyChangedError as error:
        return "changed", error
    except SSHUnknownHostError as error:
        return "unknown", error
    return "accepted", None


def is_stricter(
    policy: HostKeyPolicy, presented: HostKey, refused: SSHUnknownHostError | None
) -> bool:
    """Tell whether we refuse what ssh does not for a reason that `HostKeyPolicy` tells of."""
    here = policy.known_hosts.lookup(policy.name)
    vouching = {entry.key.blob for entry in here if entry.marker == CERT_AUTHORITY}
    if isinstance(refused, SSHHostKeyRevokedError):
        # It is revoked under the plain host name, and that counts on every port.
        return refused.line not in {entry.line for entry in here}
    # A key that is on file under the plain host name is not good for a port that has another, and
    # not even if it comes with a certificate that no authority on file for the port has signed.
    return (
        isinstance(refused, SSHHostKeyChangedError)
        and is_certificate(presented.type)
        and HostCertificate.read(presented).authority.blob not in vouching
    )
