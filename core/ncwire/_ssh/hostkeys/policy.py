"""Whether a server's host key is good: decided here alone, for every driver."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ncwire._algorithms.public_keys import CERTIFICATE_SUFFIX, is_certificate
from ncwire._ssh.hostkeys.certificates import CERTIFICATE_TYPES, HostCertificate
from ncwire._ssh.hostkeys.known_hosts import (
    CERT_AUTHORITY,
    REVOKED,
    SSH_PORT,
    KnownHosts,
    canonical_host,
    host_entry_name,
)
from ncwire._ssh.options.defaults import default_unknown_host_cb
from ncwire.errors import (
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire._ssh.hostkeys.known_hosts import KnownHostEntry
    from ncwire.driver.hostkey import HostKey

_log = logging.getLogger(__name__)


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
    - A certificate is good by an `@cert-authority` line for the name or for the plain host name;
      one that is not good counts for no more than the key in it.
    - `@cert-authority` lines say nothing about plain keys.

    It is stricter in two things. What is `@revoked` under the plain host name is revoked on every
    port. And where there is another key on file for host and port, OpenSSH takes one that is on
    file under the plain name after all if it comes in a certificate, no matter whose.
    """

    host: str
    port: int
    alias: str | None = None
    known_hosts: KnownHosts = field(default_factory=KnownHosts)
    verify_known: bool = True
    """`hostkey_verify`. False accepts keys that are not on file, or changed; never a revoked
    one, nor one other than `pinned`."""
    pinned: HostKey | None = None
    """The one key that is good, by itself or in a certificate."""
    unknown_host_cb: Callable[[str, str], bool] = default_unknown_host_cb
    remember: Callable[[str, HostKey], Sequence[KnownHostEntry]] | None = None
    """Puts the key of an accepted host on file, under its name. If by now there are keys on file
    for the name it returns them instead."""
    no_certificates: Callable[[], str] | None = None
    """Says, for an error, why host certificates cannot be had. None: they can."""

    @property
    def name(self) -> str:
        """The name that errors show and that a line in known_hosts would have."""
        return self.alias or host_entry_name(self.host, self.port)

    def key_types(self) -> tuple[str, ...]:
        """Return the types that would be accepted, certificates first, for negotiation."""
        if self.pinned is not None:
            return (self.pinned.type,)
        entries, elsewhere = self._entries(), self._entries_of_any_port()
        here = _types(_plain(entries))
        known = here or _types(_plain(elsewhere))
        if self.no_certificates is not None:
            return known
        if _authorities(entries) or (_authorities(elsewhere) and not here):
            return (*CERTIFICATE_TYPES, *known)
        if _authorities(elsewhere):
            # The known key comes before those that only an authority for the plain name vouches
            # for; it may itself have a certificate by now.
            certified = tuple(name for name in CERTIFICATE_TYPES if _plain_type(name) in here)
            return (*certified, *known)
        return known

    def verify(self, presented: HostKey) -> None:
        """Return if the key or certificate is good. The callback is asked only about the unknown.

        Raises `SSHHostKeyRevokedError`, `SSHHostKeyMismatchError`, `SSHHostKeyChangedError` or
        `SSHUnknownHostError`; `HandshakeError` for a malformed certificate; what the callback or
        `remember` raises passes through.
        """
        certificate = HostCertificate.read(presented) if is_certificate(presented.type) else None
        key = presented if certificate is None else certificate.key
        entries, elsewhere = self._entries(), self._entries_of_any_port()
        self._refuse_revoked(key, certificate, [*entries, *elsewhere])
        if self.pinned is not None:
            if key.blob != self.pinned.blob:
                raise SSHHostKeyMismatchError(
                    self.name, key.md5, key_type=key.type, sha256=key.sha256
                )
            return
        if not self.verify_known:
            return
        authorities = _authorities([*entries, *elsewhere])
        no_certificate = partial(self._no_certificate, certificate, authorities)
        if certificate is not None:
            if not (refusal := no_certificate()):
                return
            _log.info("host %s: %s; going by the key in it", self.name, refusal)
        on_file = _plain(entries)
        if _holds(on_file, key) or (not on_file and _holds(_plain(elsewhere), key)):
            return
        if on_file:
            raise self._changed(key, on_file, no_certificate())
        self._accept_unknown(key, no_certificate)

    def _entries(self) -> list[KnownHostEntry]:
        return self.known_hosts.lookup(self.name)

    def _entries_of_any_port(self) -> list[KnownHostEntry]:
        plain_name = host_entry_name(self.host, SSH_PORT)
        if self.alias or plain_name == self.name:
            return []
        return self.known_hosts.lookup(plain_name)

    def _refuse_revoked(
        self, key: HostKey, certificate: HostCertificate | None, entries: list[KnownHostEntry]
    ) -> None:
        for entry in entries:
            if entry.marker != REVOKED:
                continue
            by_authority = certificate is not None and entry.key.blob == certificate.authority.blob
            if entry.key.blob == key.blob or by_authority:
                raise SSHHostKeyRevokedError(
                    self.name,
                    key.md5,
                    key_type=key.type,
                    sha256=key.sha256,
                    filename=entry.filename,
                    line=entry.line,
                    certificate="that is the key which signed its certificate, "
                    f"{entry.key.type} {entry.key.sha256}"
                    if by_authority
                    else "",
                )

    def _no_certificate(
        self, certificate: HostCertificate | None, authorities: list[KnownHostEntry]
    ) -> str:
        """Say why no certificate makes the key good, "" if one does or none is to be expected."""
        if certificate is not None:
            name = self.alias or canonical_host(self.host)
            refusal = certificate.refusal(name, {entry.key.blob for entry in authorities})
            return f"its certificate {refusal}" if refusal else ""
        if not authorities:
            return ""
        place = f"{authorities[0].filename}:{authorities[0].line} has an authority for it"
        if self.no_certificates is not None:
            return f"{place}, but {self.no_certificates()}"
        return f"{place}, but it presents no certificate"

    def _changed(
        self, key: HostKey, on_file: Sequence[KnownHostEntry], no_certificate: str
    ) -> SSHHostKeyChangedError:
        # The line to look at is the one of the same type, if there is one.
        entry = next((entry for entry in on_file if entry.key.type == key.type), on_file[0])
        return SSHHostKeyChangedError(
            self.name,
            key.md5,
            key_type=key.type,
            sha256=key.sha256,
            filename=entry.filename,
            line=entry.line,
            certificate=no_certificate,
        )

    def _accept_unknown(self, key: HostKey, no_certificate: Callable[[], str]) -> None:
        if self.unknown_host_cb(self.host, key.md5) is not True:
            raise SSHUnknownHostError(
                self.name,
                key.md5,
                key_type=key.type,
                sha256=key.sha256,
                key_base64=key.base64,
                certificate=no_certificate(),
            )
        if self.remember is not None:
            by_now = self.remember(self.name, key)
            if by_now and not _holds(by_now, key):
                raise self._changed(key, by_now, no_certificate())


def _plain(entries: list[KnownHostEntry]) -> list[KnownHostEntry]:
    return [entry for entry in entries if not entry.marker]


def _authorities(entries: list[KnownHostEntry]) -> list[KnownHostEntry]:
    return [entry for entry in entries if entry.marker == CERT_AUTHORITY]


def _types(entries: list[KnownHostEntry]) -> tuple[str, ...]:
    types = dict.fromkeys(entry.key.type for entry in entries)
    return tuple(key_type for key_type in types if not is_certificate(key_type))


def _plain_type(certificate_type: str) -> str:
    return certificate_type.removesuffix(CERTIFICATE_SUFFIX)


def _holds(entries: Sequence[KnownHostEntry], key: HostKey) -> bool:
    return any(entry.key.blob == key.blob for entry in entries)
