"""Who the server is, told by its host key: before that nothing secret leaves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ncwire._ssh.auth.private_keys import Opener, other_files
from ncwire._ssh.options.parameters import exists
from ncwire.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire._ssh.auth.private_keys import PrivateKey
    from ncwire._ssh.hostkeys.policy import HostKeyPolicy
    from ncwire.driver.hostkey import HostKey
    from ncwire.driver.options import ConnectOptions


@dataclass(frozen=True, slots=True)
class Identified:
    """A server that is who it should be, and how to go on with it."""

    options: ConnectOptions
    named_keys: tuple[PrivateKey | KeyFileError, ...]
    """The keys of `key_filename`, or why there is none."""

    @classmethod
    def by(cls, options: ConnectOptions) -> Self:
        """Load the key files that the options name.

        Raises `KeyFileError` where none can be used, and nothing else is there to log in with.
        """
        opener = Opener(options.passphrase, options.password)
        named = tuple(_loaded(path, opener) for path in options.key_filename)
        unusable = [each for each in named if isinstance(each, KeyFileError)]
        if unusable and len(unusable) == len(named) and not _has_more(options):
            first = unusable[0]
            told = [each.left_out() for each in unusable]
            raise KeyFileError(first.path, first.problem, told) from first
        return cls(options, named)


def _loaded(path: str, opener: Opener) -> PrivateKey | KeyFileError:
    try:
        return opener.load(path)
    except KeyFileError as error:
        return error


def _has_more(options: ConnectOptions) -> bool:
    """Tell whether there is anything to log in with beside the keys of `key_filename`."""
    allowed = {*options.auth_methods}
    return (
        bool(options.password is not None and allowed & {"password", "keyboard-interactive"})
        or (options.auth_handler is not None and "keyboard-interactive" in allowed)
        or ("publickey" in allowed and _has_more_keys(options))
    )


def _has_more_keys(options: ConnectOptions) -> bool:
    # Whether the agent has any is asked when it is its turn.
    agent = options.allow_agent and options.identity_agent is not None
    return agent or any(map(exists, other_files(options)))


class Identification(ABC):
    """Judges the host key of one connection, between handshake and authentication."""

    @abstractmethod
    def key_types(self) -> Sequence[str]:
        """Return the types of the keys that would be good, for negotiation to prefer."""

    @abstractmethod
    def identify(self, key: HostKey) -> Identified:
        """Return whose key it is; raise `SSHUnknownHostError`, or a subclass, if it is no good."""


class DialledHost(Identification):
    """The host that was asked for: its key must be the right one.

    Raises `KeyFileError`, as `Identified.by` does.
    """

    def __init__(self, options: ConnectOptions, policy: HostKeyPolicy) -> None:
        self._identified = Identified.by(options)
        self._policy = policy

    def key_types(self) -> Sequence[str]:
        """Return the types on file for the host."""
        return self._policy.key_types()

    def identify(self, key: HostKey) -> Identified:
        """Return how to go on, which was known beforehand, if the host has this key."""
        self._policy.verify(key)
        return self._identified
