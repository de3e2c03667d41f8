"""What there is to authenticate with, and where it comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver.auth import AgentAttempt, InteractiveAttempt, PasswordAttempt
from ncwire.driver.features import Feature
from ncwire.driver.hostkey import HostKey
from ncwire.errors import KeyFileError
from ncwire.ssh import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire.driver.auth import AgentIdentity, Attempt, Prompt
    from ncwire.ssh.keys import PrivateKey


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing to try; `identity` is what makes two the same, wherever they come from."""

    method: str
    description: str
    identity: object
    attempt: Attempt = field(repr=False)


class Source(ABC):
    """Where credentials for one method come from; looked into only when it is its turn."""

    feature: ClassVar[Feature]
    """What the driver must be able to do."""
    method: ClassVar[str]

    def applies(self, wanted: frozenset[str], denied: set[str]) -> bool:  # noqa: ARG002 - for some
        """Tell whether it is to be tried, given what the server wants and denied so far."""
        return self.method in wanted

    @abstractmethod
    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield the credentials in order, but for those whose identity was tried already.

        Reports what is left out because it cannot be used, and why.
        """


class NamedKeys(Source):
    """The keys of `key_filename`, loaded before anything was sent."""

    feature = Feature.PUBLICKEY
    method = "publickey"

    def __init__(self, username: str, loaded: Sequence[PrivateKey]) -> None:
        self._username = username
        self._loaded = loaded

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield each key."""
        del report
        for key in self._loaded:
            if not tried(key.public.blob):
                yield _of_key(key, self._username)


class KeyFiles(Source):
    """Key files that are used if they are there: in the usual places, or of ssh_config."""

    feature = Feature.PUBLICKEY
    method = "publickey"

    def __init__(self, username: str, paths: Sequence[str], passphrase: str | None) -> None:
        self._username = username
        self._paths = paths
        self._passphrase = passphrase

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield the keys that load; a file that does not exist is not worth a word."""
        for path in self._paths:
            # An encrypted file is no loss if the agent holds its key.
            public = keys.public_half(path)
            if public is not None and tried(public.blob):
                continue
            try:
                key = keys.load(path, self._passphrase)
            except KeyFileError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    report(f"publickey {path}: not tried, {error.problem}")
                continue
            if not tried(key.public.blob):
                yield _of_key(key, self._username)


class AgentKeys(Source):
    """The SSH agent's keys; those whose files are configured come before the others.

    `only_configured` (IdentitiesOnly) leaves the others out.
    """

    feature = Feature.AGENT
    method = "publickey"

    def __init__(
        self,
        username: str,
        identities: Callable[[], Sequence[AgentIdentity]],
        paths: Sequence[str],
        *,
        only_configured: bool,
    ) -> None:
        self._username = username
        self._identities = identities
        self._paths = paths
        self._only_configured = only_configured

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield each identity."""
        del report
        identities = list(self._identities())
        configured = {key.blob for path in self._paths if (key := keys.public_half(path))}
        for identity in sorted(identities, key=lambda key: key.blob not in configured):
            if tried(identity.blob) or (self._only_configured and identity.blob not in configured):
                continue
            fingerprint = HostKey(identity.key_type, identity.blob).sha256
            yield Credential(
                self.method,
                f"publickey {identity.comment or 'without a name'}, of the agent "
                f"({identity.key_type} {fingerprint})",
                identity.blob,
                AgentAttempt(self._username, identity),
            )


class Password(Source):
    """The password, as such."""

    feature = Feature.PASSWORD
    method = "password"

    def __init__(self, username: str, password: str) -> None:
        self._attempt = PasswordAttempt(username, password)

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield it."""
        del tried, report
        yield Credential(self.method, "password", self, self._attempt)


class Prompts(Source):
    """Someone who answers the server's prompts."""

    feature = Feature.KEYBOARD_INTERACTIVE
    method = "keyboard-interactive"

    def __init__(
        self, username: str, answer: Callable[[str, str, Sequence[Prompt]], Sequence[str]]
    ) -> None:
        self._attempt = InteractiveAttempt(username, answer)

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield the one attempt."""
        del tried, report
        yield Credential(self.method, self.method, self, self._attempt)


class PromptedPassword(Prompts):
    """The password for servers that ask for it by a prompt, and take it in no other way."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username, AnswerOnce(password))

    def applies(self, wanted: frozenset[str], denied: set[str]) -> bool:
        """Tell whether prompts are all that is left for the password, not denied before."""
        return super().applies(wanted, denied) and not {"password"} & (wanted | denied)


class AnswerOnce:
    """Answers the first prompt that hides its input with the password, and no other prompt.

    A server that asks again wants something else, a one-time code or a new password, which the
    password must not be sent for.
    """

    def __init__(self, password: str) -> None:
        self._password: str | None = password

    def __call__(self, _title: str, _instruction: str, prompts: Sequence[Prompt]) -> list[str]:
        """Return an answer for each prompt, empty but for that one."""
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if prompt.echo or self._password is None:
            return ""
        password, self._password = self._password, None
        return password


def _of_key(key: PrivateKey, username: str) -> Credential:
    description = f"publickey {key.path} ({key.public.type} {key.public.sha256})"
    return Credential("publickey", description, key.public.blob, key.attempt(username))
