"""What there is to authenticate with: keys and their certificates, from files and the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire._plugins.recommended import who_can
from ncwire._ssh.auth import private_keys
from ncwire._ssh.auth.credentials import Credential, Source
from ncwire._ssh.auth.user_certificates import CertificateError, from_blob, is_certificate
from ncwire.driver.auth import AgentAttempt
from ncwire.driver.features import Feature
from ncwire.driver.hostkey import HostKey
from ncwire.errors import KeyFileError, SSHError
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire._ssh.auth.private_keys import Opener, PrivateKey
    from ncwire._ssh.auth.user_certificates import Certificates, UserCertificate
    from ncwire.driver.auth import AgentIdentity

_LONGEST_NAME = 200
"""How much of a key's comment is told: an agent may be that of another machine."""


class NamedKeys(Source):
    """The keys of `key_filename`, loaded before anything was sent.

    For a file that cannot be used there is the error that says why; it is left out.
    """

    feature = Feature.PUBLICKEY
    method = "publickey"
    title = "key_filename"

    def __init__(
        self,
        user: KeyUser,
        loaded: Sequence[PrivateKey | KeyFileError],
        left_out: Callable[[KeyFileError], None],
    ) -> None:
        self._user = user
        self._loaded = loaded
        self._left_out = left_out

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield each key, its certificates before it."""
        for key in self._loaded:
            if isinstance(key, KeyFileError):
                report(key.left_out())
                self._left_out(key)
                continue
            yield from self._user.with_key(key, tried, report)


class KeyFiles(Source):
    """Key files that are used if they are there: in the usual places, or of ssh_config."""

    feature = Feature.PUBLICKEY
    method = "publickey"
    title = "key files"

    def __init__(self, user: KeyUser, paths: Sequence[str], opener: Opener) -> None:
        self._user = user
        self._paths = paths
        self._opener = opener

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield the keys that load; a file that does not exist is not worth a word."""
        for path in self._paths:
            # An encrypted file is no loss if the agent holds its key.
            public = private_keys.public_half(path)
            if public is not None and tried(public.blob):
                continue
            try:
                key = self._opener.load(path)
            except KeyFileError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    report(error.left_out())
                continue
            yield from self._user.with_key(key, tried, report)


class AgentKeys(Source):
    """The SSH agent's keys; those whose files are configured come before the others.

    The agent's certificates, and those from files for its keys, come before the bare key.
    `only_configured` (IdentitiesOnly) leaves keys out whose files are not configured.
    """

    feature = Feature.AGENT
    method = "publickey"
    title = "the agent's keys"

    def __init__(
        self,
        user: KeyUser,
        agent: str,
        identities: Callable[[], Sequence[AgentIdentity]],
        paths: Sequence[str],
        *,
        only_configured: bool,
    ) -> None:
        self._user = user
        self._agent = agent
        self._identities = identities
        self._paths = paths
        self._only_configured = only_configured

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield each identity."""
        paths = {key.blob: path for path in self._paths if (key := private_keys.public_half(path))}
        rank = {blob: place for place, blob in enumerate(paths)}
        held: dict[bytes, list[_Held]] = {}
        for identity in self._listed(report):
            for each in _Held.usable(identity, report):
                held.setdefault(each.key.blob, []).append(each)
        for blob in sorted(held, key=lambda blob: rank.get(blob, len(rank))):
            if blob not in paths and self._only_configured:
                continue
            if not self._user.signs_with(held[blob][0], report):
                continue
            for each in sorted(held[blob], key=lambda each: each.certificate is None):
                yield from self._of(each, paths.get(blob), tried, report)

    def _listed(self, report: Callable[[str], None]) -> Sequence[AgentIdentity]:
        try:
            return self._identities()
        except SSHError as error:
            # It is the agent that failed, and not the connection.
            report(f"{self.title}: not tried, {error}")
            return ()

    def _of(
        self,
        held: _Held,
        path: str | None,
        tried: Callable[[object], bool],
        report: Callable[[str], None],
    ) -> Iterator[Credential]:
        identity, username = held.identity, self._user.username
        if held.certificate is not None:
            if not self._user.presents(held.certificate, report):
                return
            description = f"publickey {held.certificate}"
        else:
            description = f"publickey {held.name}, of the agent"
            for certificate in self._user.certificates_of(held.key, path, tried, report):
                yield Credential(
                    self.method,
                    f"publickey {certificate} with {held.name}, of the agent",
                    certificate.blob,
                    AgentAttempt(username, identity, self._agent, certificate.blob),
                )
        if not tried(identity.blob):
            yield Credential(
                self.method,
                f"{description} ({identity.key_type} {held.key.sha256})",
                identity.blob,
                AgentAttempt(username, identity, self._agent),
            )


@dataclass(frozen=True, slots=True)
class _Held:
    """What the agent holds: a key, or a certificate for one."""

    identity: AgentIdentity
    key: HostKey
    certificate: UserCertificate | None = None

    @property
    def name(self) -> str:
        return one_line(self.identity.comment, _LONGEST_NAME) or "without a name"

    @classmethod
    def usable(cls, identity: AgentIdentity, report: Callable[[str], None]) -> Iterator[_Held]:
        """Yield it, unless it is a certificate that is of no use."""
        bare = cls(identity, HostKey(identity.key_type, identity.blob))
        if not is_certificate(identity.key_type):
            yield bare
            return
        source = f"{bare.name}, of the agent"
        try:
            certificate = from_blob(identity.blob, source)
            certificate.check_time()
        except CertificateError as error:
            report(f"certificate {source}: not tried, {error}")
        else:
            yield cls(identity, certificate.key, certificate)


class KeyUser:
    """Who logs in with keys, and with which certificates for them.

    `presents_certificates` and `uses_security_keys` tell whether the driver can; if it cannot,
    that is reported.
    """

    def __init__(
        self,
        username: str,
        certificates: Certificates,
        driver: str,
        *,
        presents_certificates: bool,
        uses_security_keys: bool,
    ) -> None:
        self.username = username
        self._certificates = certificates
        self._driver = driver
        self._able = presents_certificates
        self._uses_security_keys = uses_security_keys

    def signs_with(self, held: _Held, report: Callable[[str], None]) -> bool:
        """Tell whether the driver can have the agent sign with a key, and report if it cannot."""
        able = self._uses_security_keys or not held.key.type.startswith("sk-")
        if not able:
            others = who_can(Feature.AGENT_SECURITY_KEY)
            report(
                f"publickey {held.name}, of the agent ({held.key.type} {held.key.sha256}): not "
                f"tried, not supported by driver {self._driver!r} ({others})"
            )
        return able

    def presents(self, certificate: UserCertificate, report: Callable[[str], None]) -> bool:
        """Tell whether the driver can present certificates, and report this one if it cannot."""
        if not self._able:
            report(f"{certificate}: not tried, not supported by driver {self._driver!r}")
        return self._able

    def certificates_of(
        self,
        key: HostKey,
        path: str | None,
        tried: Callable[[object], bool],
        report: Callable[[str], None],
    ) -> Iterator[UserCertificate]:
        """Yield the certificates from files that can be presented for a key."""
        for certificate in self._certificates.of(key, path, report):
            if not tried(certificate.blob) and self.presents(certificate, report):
                yield certificate

    def with_key(
        self,
        key: PrivateKey,
        tried: Callable[[object], bool],
        report: Callable[[str], None],
    ) -> Iterator[Credential]:
        """Yield what a private key is good for: its certificates, and it alone."""
        public = f"{key.public.type} {key.public.sha256}"
        for certificate in self.certificates_of(key.public, key.path, tried, report):
            yield Credential(
                "publickey",
                f"publickey {certificate} with {key.path} ({public})",
                certificate.blob,
                key.attempt(self.username, certificate.blob),
            )
        if not tried(key.public.blob):
            yield Credential(
                "publickey",
                f"publickey {key.path} ({public})",
                key.public.blob,
                key.attempt(self.username),
            )
