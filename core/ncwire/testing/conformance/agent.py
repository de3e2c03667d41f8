"""`Agent`: an SSH agent with ed25519 keys (draft-ietf-sshm-ssh-agent)."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from ncwire.testing.conformance.acceptor import Acceptor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ncwire.testing.conformance.keys import KeyPair

_FAILURE = b"\x05"
_REQUEST_IDENTITIES = 11
_IDENTITIES_ANSWER = b"\x0c"
_SIGN_REQUEST = 13
_SIGN_RESPONSE = b"\x0e"


class Agent:
    """Listens on a socket in `folder` until `close`; it may hold certificates for its keys."""

    def __init__(
        self,
        folder: Path,
        keys: Sequence[tuple[KeyPair, str]],
        certificates: Sequence[tuple[KeyPair, bytes]] = (),
    ) -> None:
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
                client.sendall(_string(self._answer(requests.read(length))))

    def _answer(self, request: bytes) -> bytes:
        if request[0] == _REQUEST_IDENTITIES:
            listed = b"".join(
                _string(blob) + _string(comment.encode()) for _, blob, comment in self._held
            )
            return _IDENTITIES_ANSWER + struct.pack(">I", len(self._held)) + listed
        if request[0] == _SIGN_REQUEST:
            blob, rest = _take(request[1:])
            data, _ = _take(rest)
            for key, held, _ in self._held:
                if held == blob:
                    return _SIGN_RESPONSE + _string(_signature(key, data))
        return _FAILURE


def _signature(key: KeyPair, data: bytes) -> bytes:
    private = load_ssh_private_key(key.private.encode("ascii"), None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError("the kit's agent signs with ed25519 only")
    return _string(b"ssh-ed25519") + _string(private.sign(data))


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _take(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", data[:4])
    return data[4 : 4 + length], data[4 + length :]
