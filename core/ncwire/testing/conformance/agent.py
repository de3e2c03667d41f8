"""`Agent`: an SSH agent (draft-ietf-sshm-ssh-agent)."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ncwire.testing.conformance.acceptor import Acceptor

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

_FAILURE = b"\x05"
REQUEST_IDENTITIES = 11
_IDENTITIES_ANSWER = b"\x0c"
SIGN_REQUEST = 13
_SIGN_RESPONSE = b"\x0e"


class Signer(Protocol):
    """A key that an agent can hold."""

    @property
    def blob(self) -> bytes:
        """The public key as it goes over the wire."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature as the agent answers with it."""


class Agent:
    """Listens on a socket in `folder` until `close`; it may hold certificates for its keys.

    Requests of the numbers in `unanswered` get no answer, as from a device that waits for a
    person's touch.
    """

    def __init__(
        self,
        folder: Path,
        keys: Sequence[tuple[Signer, str]],
        certificates: Sequence[tuple[Signer, bytes]] = (),
        unanswered: Container[int] = (),
    ) -> None:
        self._unanswered = unanswered
        self._held = [(key, key.blob, comment) for key, comment in keys]
        self._held += [(key, blob, "certified") for key, blob in certificates]
        self.path = str(folder / "agent")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path)
        listener.listen()
        self._acceptor = Acceptor(listener, self._serve, "agent")

    def close(self) -> None:
        """End it. Idempotent."""
        self._acceptor.close()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as requests, suppress(OSError):
            while head := requests.read(4):
                (length,) = struct.unpack(">I", head)
                request = requests.read(length)
                if request[0] not in self._unanswered:
                    client.sendall(_string(self._answer(request)))

    def _answer(self, request: bytes) -> bytes:
        if request[0] == REQUEST_IDENTITIES:
            listed = b"".join(
                _string(blob) + _string(comment.encode()) for _, blob, comment in self._held
            )
            return _IDENTITIES_ANSWER + struct.pack(">I", len(self._held)) + listed
        if request[0] == SIGN_REQUEST:
            blob, rest = _take(request[1:])
            data, _ = _take(rest)
            for key, held, _ in self._held:
                if held == blob:
                    return _SIGN_RESPONSE + _string(key.sign(data))
        return _FAILURE


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _take(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", data[:4])
    return data[4 : 4 + length], data[4 + length :]
