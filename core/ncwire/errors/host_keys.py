"""Errors about the server's host key."""

from __future__ import annotations

from ncwire.errors.ssh import SSHError


class SSHUnknownHostError(SSHError):
    """The server's host key is not known, and was not accepted.

    `fingerprint` is the documented colon-delimited MD5; `key_type` and `sha256` ("SHA256:...",
    as OpenSSH prints it) are there when the error comes from a connection of ours. So is
    `key_base64`, the key as `hostkey_b64` takes it, of a key about which nothing is known.
    `certificate` says why no host certificate helped, where known_hosts has an authority for the
    host or the server presented one. The text is `problem`, and then `advice`.
    """

    def __init__(
        self,
        host: str,
        fingerprint: str,
        *,
        key_type: str | None = None,
        sha256: str | None = None,
        key_base64: str | None = None,
        certificate: str = "",
    ) -> None:
        super().__init__(host, fingerprint)
        self.host = host
        self.fingerprint = fingerprint
        self.key_type = key_type
        self.sha256 = sha256
        self.key_base64 = key_base64
        self.certificate = certificate

    @property
    def problem(self) -> str:
        """What is wrong."""
        text = f"host key of {self.host} {self._verdict()}"
        return f"{text}; {self.certificate}" if self.certificate else text

    @property
    def advice(self) -> str:
        """What to do about it; "" where nothing is known of the key."""
        if self.key_base64 is None:
            return ""
        text = (
            "compare this fingerprint with the device's own, as its console or who runs it tells "
            f"it; if they are the same, add the line that `{self._scan()}` prints to a "
            "known_hosts file (known_hosts=FILE, or ~/.ssh/known_hosts)"
        )
        if self.jump_host:
            return text
        return (
            f"{text}, or give the key as hostkey_b64=; accept_new=True adds the keys of new hosts "
            "without comparing"
        )

    def _text(self) -> str:
        return f"{self.problem}; {self.advice}" if self.advice else self.problem

    def _verdict(self) -> str:
        return f"is not known: {self._key()}"

    def _scan(self) -> str:
        host, bracket, port = self.host.rpartition("]:")
        return f"ssh-keyscan -p {port} {host[1:]}" if bracket else f"ssh-keyscan {self.host}"

    def _key(self) -> str:
        if self.key_type is None:
            return f"MD5:{self.fingerprint}"
        return f"{self.key_type} {self.sha256}"


class SSHHostKeyChangedError(SSHUnknownHostError):
    """The server's host key is another than the one on file; the callback is never asked.

    `filename` and `line` say where the known key stands, if the driver could tell.
    """

    def __init__(
        self,
        host: str,
        fingerprint: str,
        *,
        key_type: str | None = None,
        sha256: str | None = None,
        filename: str = "",
        line: int = 0,
        certificate: str = "",
    ) -> None:
        super().__init__(
            host, fingerprint, key_type=key_type, sha256=sha256, certificate=certificate
        )
        self.filename = filename
        self.line = line

    @property
    def advice(self) -> str:
        """What to do about it."""
        old = "take out that line" if self.filename else "take out the old one"
        return (
            "someone may be in between, or the device has a new key: ask who runs it, and only if "
            f"the new key is right {old} of known_hosts"
        )

    def _verdict(self) -> str:
        place = f"{self.filename}:{self.line} has another" if self.filename else "another is known"
        return f"has changed: it presents {self._key()}, {place}"


class SSHHostKeyRevokedError(SSHHostKeyChangedError):
    """The host key, or what signed its certificate, is marked @revoked; the callback isn't asked.

    `filename` and `line` say where, if the driver could tell.
    """

    @property
    def advice(self) -> str:
        """What to do about it."""
        return "the key was withdrawn: do not trust a host that presents it"

    def _verdict(self) -> str:
        place = f", by {self.filename}:{self.line}" if self.filename else ""
        return f"is revoked: {self._key()}{place}"


class SSHHostKeyMismatchError(SSHUnknownHostError):
    """The server's host key is not the one given as `hostkey_b64`; the callback is never asked."""

    @property
    def advice(self) -> str:
        """What to do about it."""
        return (
            "someone may be in between, or the device has a new key: ask who runs it, and only if "
            "the new key is right give that"
        )

    def _verdict(self) -> str:
        return f"is not the one required by hostkey_b64: {self._key()}"


class UnknownDeviceError(SSHUnknownHostError):
    """A call came from a peer we do not know: no device has the host key that it presents.

    The text is `problem` alone: it may be logged for each stranger that calls.
    """

    @property
    def problem(self) -> str:
        """What is wrong."""
        return f"no device has the host key {self._key()}"

    @property
    def advice(self) -> str:
        """What to do about it."""
        return (
            "if a device of yours has called, compare this fingerprint with its own, and if they "
            "are the same have the key among its host_keys or in known_hosts under its name"
        )

    def _text(self) -> str:
        return self.problem
