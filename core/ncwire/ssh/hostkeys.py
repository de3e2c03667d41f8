"""Whether a server's host key is good: decided here alone, for every driver."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire.driver.hostkey import HostKey
from ncwire.errors import (
    OptionError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)
from ncwire.ssh.known_hosts import REVOKED, KnownHosts, host_entry_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.ssh.known_hosts import KnownHostEntry


def default_unknown_host_cb(host: str, fingerprint: str) -> bool:  # noqa: ARG001 - documented
    """Accept no unknown host: `connect` raises `SSHUnknownHostError`.

    A callback of one's own is called with the host as it was given and the key's MD5 fingerprint
    as colon-delimited hex, and returns True to accept. It is never asked about a key that has
    changed or is revoked, nor about one that is not the key in `hostkey_b64`.
    """
    return False


def parse_hostkey_b64(value: str) -> HostKey:
    """Return the key that `hostkey_b64` stands for; raise `OptionError` when it is none."""
    try:
        return HostKey.from_blob(base64.b64decode("".join(value.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise OptionError(
            "hostkey_b64", "not the base64 of an SSH public key, as known_hosts has it"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyPolicy:
    """What is known about a host's keys, and what to do about a key that it presents.

    It agrees with OpenSSH 9.2's client (hostfile.c, sshconnect.c):

    - The host is looked up as "[host]:port", plainly for port 22; by `alias` alone if given.
    - A key on file under the plain host name is good for another port too, if there is nothing
      on file for host and port: many have "host" lines for devices that listen on port 830.
    - Another key on file for the name means that the host key has *changed*, also when that key
      is of another type. Types on file are preferred in negotiation, so a server that presents
      another type no longer has the known key; accepting it would let an attacker pass by
      claiming to have the other type only.
    - `@cert-authority` lines say nothing about plain keys.
    """

    host: str
    port: int
    alias: str | None = None
    known_hosts: KnownHosts = field(default_factory=KnownHosts)
    verify_known: bool = True
    """`hostkey_verify`. False accepts keys that are not on file, or changed; never a revoked
    one, nor one other than `pinned`."""
    pinned: HostKey | None = None
    unknown_host_cb: Callable[[str, str], bool] = default_unknown_host_cb

    @property
    def name(self) -> str:
        """The name that errors show and that a line in known_hosts would have."""
        return self.alias or host_entry_name(self.host, self.port)

    def key_types(self) -> tuple[str, ...]:
        """Return the types of the keys that would be accepted, for negotiation to prefer."""
        if self.pinned is not None:
            return (self.pinned.type,)
        entries = _plain(self._entries()) or _plain(self._entries_of_any_port())
        return tuple(dict.fromkeys(entry.key.type for entry in entries))

    def verify(self, key: HostKey) -> None:
        """Return if the key is good. The callback is asked only about an unknown host.

        Raises `SSHHostKeyRevokedError`, `SSHHostKeyMismatchError`, `SSHHostKeyChangedError` or
        `SSHUnknownHostError`; what the callback raises passes through.
        """
        entries, elsewhere = self._entries(), self._entries_of_any_port()
        self._refuse_revoked(key, [*entries, *elsewhere])
        if self.pinned is not None:
            if key.blob != self.pinned.blob:
                raise SSHHostKeyMismatchError(
                    self.name, key.md5, key_type=key.type, sha256=key.sha256
                )
            return
        if not self.verify_known:
            return
        on_file = _plain(entries)
        if _holds(on_file, key) or (not on_file and _holds(_plain(elsewhere), key)):
            return
        if on_file:
            self._refuse_changed(key, on_file)
        if self.unknown_host_cb(self.host, key.md5) is not True:
            raise SSHUnknownHostError(
                self.name,
                key.md5,
                key_type=key.type,
                sha256=key.sha256,
                key_base64=key.base64,
            )

    def _entries(self) -> list[KnownHostEntry]:
        return self.known_hosts.lookup(self.name)

    def _entries_of_any_port(self) -> list[KnownHostEntry]:
        plain_name = host_entry_name(self.host, 22)
        if self.alias or plain_name == self.name:
            return []
        return self.known_hosts.lookup(plain_name)

    def _refuse_revoked(self, key: HostKey, entries: list[KnownHostEntry]) -> None:
        for entry in entries:
            if entry.marker == REVOKED and entry.key.blob == key.blob:
                raise SSHHostKeyRevokedError(
                    self.name,
                    key.md5,
                    key_type=key.type,
                    sha256=key.sha256,
                    filename=entry.filename,
                    line=entry.line,
                )

    def _refuse_changed(self, key: HostKey, on_file: list[KnownHostEntry]) -> None:
        # The line to look at is the one of the same type, if there is one.
        entry = next((entry for entry in on_file if entry.key.type == key.type), on_file[0])
        raise SSHHostKeyChangedError(
            self.name,
            key.md5,
            key_type=key.type,
            sha256=key.sha256,
            filename=entry.filename,
            line=entry.line,
        )


def _plain(entries: list[KnownHostEntry]) -> list[KnownHostEntry]:
    return [entry for entry in entries if not entry.marker]


def _holds(entries: list[KnownHostEntry], key: HostKey) -> bool:
    return any(entry.key.blob == key.blob for entry in entries)
