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
    over the wire; `source` says where the key is from, for reports. A `certificate`, as it goes
    over the wire, is presented in place of the public half (OpenSSH's PROTOCOL.certkeys); there
    is one only for a driver with the feature USER_CERTIFICATE.
    """

    username: str
    key_type: str
    blob: bytes
    private_key: bytes = field(repr=False)
    source: str = ""
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """A key that the SSH agent holds, or a certificate, which it lists as a key of its own."""

    key_type: str
    blob: bytes
    comment: str


@dataclass(frozen=True, slots=True)
class AgentAttempt:
    """Have the agent sign with the key whose public half is `identity.blob`.

    `agent` is the path of its socket. A `certificate` is presented in place of the public half,
    as in `PublicKeyAttempt`; so is an identity that is a certificate itself.
    """

    username: str
    identity: AgentIdentity
    agent: str
    certificate: bytes | None = None


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
    UNCLEAR = "denied, or accepted as one of several; the library does not tell"


@dataclass(frozen=True, slots=True)
class AuthOutcome:
    """The result, and unless it is SUCCESS the methods that can go on (RFC 4252 section 5.1).

    No methods: the library does not tell. The core then makes a `NoneAttempt` when it needs to
    know, and as seldom as it can, since servers count each as a failure.
    """

    result: AuthResult
    methods: frozenset[str] = frozenset()
