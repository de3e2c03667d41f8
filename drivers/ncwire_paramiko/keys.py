"""Private keys as paramiko takes them: from memory, and in the SSH agent."""

from __future__ import annotations

import math
import select
import socket
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob

from ncwire.driver import AgentIdentity, HostKey
from ncwire.errors import KeyFileError, SSHError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import AgentAttempt, Deadline, PublicKeyAttempt

_KEY_CLASSES: dict[str, type[paramiko.RSAKey | paramiko.ECDSAKey | paramiko.Ed25519Key]] = {
    "ssh-rsa": paramiko.RSAKey,
    "ssh-ed25519": paramiko.Ed25519Key,
    "ecdsa-sha2-nistp256": paramiko.ECDSAKey,
    "ecdsa-sha2-nistp384": paramiko.ECDSAKey,
    "ecdsa-sha2-nistp521": paramiko.ECDSAKey,
}


def private_key(attempt: PublicKeyAttempt) -> paramiko.PKey:
    """Return the attempt's key. Raises `KeyFileError` for what paramiko cannot use."""
    try:
        kind = _KEY_CLASSES[attempt.key_type]
    except KeyError:
        raise KeyFileError(
            attempt.source, f"paramiko does not sign with keys of type {attempt.key_type}"
        ) from None
    try:
        key = kind.from_private_key(StringIO(attempt.private_key.decode("ascii")))
        if attempt.certificate is not None:
            key.load_certificate(paramiko.Message(attempt.certificate))
    except (paramiko.SSHException, ValueError, TypeError) as error:
        # No word of the error's own: it may quote from the key.
        raise KeyFileError(
            attempt.source, f"paramiko cannot read it ({type(error).__name__})"
        ) from None
    return key


class _AgentKey(AgentKey):
    """A key in the agent, which may be presented with a certificate.

    Paramiko's has the agent sign with the bare key, and knows of no other certificate than that
    which the agent holds.
    """

    def __init__(self, agent: Agent, attempt: AgentAttempt) -> None:
        super().__init__(agent, attempt.identity.blob, attempt.identity.comment)
        presented = attempt.certificate or attempt.identity.blob
        kind = HostKey.from_blob(presented).type
        self.public_blob: PublicBlob | None = PublicBlob(kind, presented)  # type: ignore[assignment]  # the stubs know None only

    def asbytes(self) -> bytes:
        return self.blob


class _AgentSocket(socket.socket):
    """A socket to the agent: its `recv` ends with the deadline, and waits in slices until then."""

    deadline: Deadline

    def __init__(self) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        # By poll: a signal handler's TimeoutError could not be told from the socket's own.
        readable = select.poll()
        readable.register(self, select.POLLIN)
        try:
            while not readable.poll(math.ceil(1000 * self.deadline.slice())):
                pass
        except StepTimeoutError as error:
            raise TimeoutError(str(error)) from None  # as a socket says it, for paramiko
        return super().recv(bufsize, flags)


class Agent(AgentSSH):
    """The SSH agent, asked within a deadline; `paramiko.Agent` would wait for it for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = _AgentSocket()

    def load(self, path: str, deadline: Deadline) -> None:
        """Ask for the keys; there are none without an agent. Raises `SSHError` when it fails."""
        self._socket.deadline = deadline
        self._socket.settimeout(deadline.remaining())
        try:
            self._socket.connect(path)
        except OSError:
            return  # its socket, or the name of it, outlives an agent
        try:
            self._connect(self._socket)  # type: ignore[attr-defined]  # not in the stubs
        except Exception as error:
            if isinstance(error.__cause__, TimeoutError):
                raise deadline.error() from error
            raise SSHError(f"SSH agent: it failed to list its keys: {error}") from error

    def identities(self) -> Sequence[AgentIdentity]:
        """Return the keys, in the agent's order."""
        return tuple(AgentIdentity(key.name, key.blob, key.comment) for key in self.get_keys())

    def key(self, attempt: AgentAttempt, deadline: Deadline) -> paramiko.PKey:
        """Return a key that has the agent sign, within the deadline."""
        self._socket.deadline = deadline
        self._socket.settimeout(deadline.remaining())
        if not any(key.blob == attempt.identity.blob for key in self.get_keys()):
            raise SSHError(f"SSH agent: it has no key {attempt.identity.comment}")
        return _AgentKey(self, attempt)

    def _send_message(self, msg: paramiko.Message) -> tuple[int, paramiko.Message]:
        # Called to sign, on the transport's thread, which dies of a TimeoutError: it takes every
        # OSError to have an errno and a text (paramiko 5.1, transport.py, run).
        try:
            answer: tuple[int, paramiko.Message] = super()._send_message(msg)  # type: ignore[misc]  # not in the stubs
        except OSError as error:
            raise paramiko.SSHException("the SSH agent does not answer") from error
        return answer

    def close(self) -> None:
        """Close the connection to the agent; who waits for it stops waiting. Idempotent."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
