"""Who the server is, told by its host key: before that nothing secret leaves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ncwire.ssh import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver.hostkey import HostKey
    from ncwire.driver.options import ConnectOptions
    from ncwire.ssh.hostkeys import HostKeyPolicy
    from ncwire.ssh.keys import PrivateKey


@dataclass(frozen=True, slots=True)
class Identified:
    """A server that is who it should be, and how to go on with it."""

    options: ConnectOptions
    named_keys: tuple[PrivateKey, ...]
    """The keys of `key_filename`."""

    @classmethod
    def by(cls, options: ConnectOptions) -> Self:
        """Load the key files that the options name. Raises `KeyFileError`."""
        loaded = (keys.load(path, options.password) for path in options.key_filename)
        return cls(options, tuple(loaded))


class Identification(ABC):
    """Judges the host key of one connection, between handshake and authentication."""

    @abstractmethod
    def key_types(self) -> Sequence[str]:
        """Return the types of the keys that would be good, for negotiation to prefer."""

    @abstractmethod
    def identify(self, key: HostKey) -> Identified:
        """Return whose key it is; raise `SSHUnknownHostError`, or a subclass, if it is no good."""


class DialledHost(Identification):
    """The host that was asked for: its key must be the right one. Raises `KeyFileError`."""

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
