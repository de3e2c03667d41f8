"""Authentication attempts, which the core plans and a driver carries out one at a time."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Prompt(NamedTuple):
    """One question of a keyboard-interactive request; `echo` False asks for a secret.

    A pair, since the handlers that people have written for other clients unpack it.
    """

    text: str
    echo: bool


@dataclass(frozen=True, slots=True)
class NoneAttempt:
    """Ask what the server offers: method "none" (RFC 4252 section 5.2)."""

    username: str


@dataclass(frozen=True, slots=True)
class PublicKeyAttempt:
    """Sign with a private key that the core has loaded and decrypted.

    `private_key` is in OpenSSH's format, unencrypted; `blob` is the public half as it goes
    over the wire; `source` says where the key is from, for reports.
    """

    username: str
    key_type: str
    blob: bytes
    private_key: bytes = field(repr=False)
    source: str = ""


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """A key that the SSH agent holds."""

    key_type: str
    blob: bytes
    comment: str


@dataclass(frozen=True, slots=True)
class AgentAttempt:
    """Have the agent sign with the key whose public half is `identity.blob`."""

    username: str
    identity: AgentIdentity


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """Send the password, and nothing else should that be refused (RFC 4252 section 8)."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InteractiveAttempt:
    """Answer the server's prompts (RFC 4256).

    `answer(title, instruction, prompts)` returns one string for each prompt, for each round of
    the server's. What it raises must come out of `SSHDriver.authenticate` unchanged.
    """

    username: str
    answer: Callable[[str, str, Sequence[Prompt]], Sequence[str]] = field(repr=False)


Attempt = NoneAttempt | PublicKeyAttempt | AgentAttempt | PasswordAttempt | InteractiveAttempt


class AuthResult(enum.Enum):
    """What the server said to an attempt."""

    SUCCESS = "accepted"
    PARTIAL = "accepted, more is wanted"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class AuthOutcome:
    """The result, and unless it is SUCCESS the methods that can go on (RFC 4252 section 5.1)."""

    result: AuthResult
    methods: frozenset[str] = frozenset()
