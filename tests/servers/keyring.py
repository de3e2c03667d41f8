"""SSH keys for the tests, made once."""

from __future__ import annotations

import subprocess
from pathlib import Path

from servers import requirement

HOST_KEY_TYPES = ("ed25519", "ecdsa", "rsa")


class KeyRing:
    """A folder of key pairs, each made by ssh-keygen when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._certificates = 0
        self._keygen = requirement.program("ssh-keygen", "openssh-client")

    def key(self, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        """Return the path of a private key; its public half is beside it, with ".pub".

        `kind` is a type, or type and bits: "ecdsa-384".
        """
        path = self._folder / f"{name}_{kind}"
        if not path.exists():
            kind, _, bits = kind.partition("-")
            command = [self._keygen, "-q", "-t", kind, *(["-b", bits] if bits else [])]
            command += ["-N", passphrase, "-C", name, "-f", path]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    def certificate(
        self, key: Path, authority: Path, principal: str, validity: str = "always:forever"
    ) -> Path:
        """Sign a key; return the path of the user certificate, which is beside it."""
        command = [self._keygen, "-q", "-s", authority, "-I", key.name, "-n", principal]
        subprocess.run([*command, "-V", validity, f"{key}.pub"], check=True)
        return key.with_name(f"{key.name}-cert.pub")

    def host_certificate(self, key: Path, authority: Path, *arguments: str) -> Path:
        """Return a new host certificate for a key; the arguments are more of ssh-keygen's."""
        self._certificates += 1
        copy = self._folder / f"certified-{self._certificates}.pub"
        copy.write_bytes(Path(f"{key}.pub").read_bytes())
        command = [self._keygen, "-q", "-s", authority, "-I", "a test's", "-h", *arguments, copy]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        return copy.with_name(f"{copy.stem}-cert.pub")


def public(key: Path) -> str:
    """Return a key's public half, type and base64 without the comment."""
    kind, blob, *_ = Path(f"{key}.pub").read_text().split()
    return f"{kind} {blob}"
