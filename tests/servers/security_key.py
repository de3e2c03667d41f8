"""An SSH agent that holds one key of a FIDO token, which is played: OpenSSH's PROTOCOL.u2f."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from pathlib import Path

_TYPE = b"sk-ssh-ed25519@openssh.com"
_APPLICATION = b"ssh:"
_USER_PRESENT = b"\x01"
_FAILURE, _LIST, _LISTED, _SIGN, _SIGNED = 5, 11, 12, 13, 14
"""draft-ietf-sshm-ssh-agent, section 6.1."""


class SecurityKeyAgent:
    """A running agent; `socket` is the path for SSH_AUTH_SOCK, `signatures` what it has signed."""

    def __init__(self, path: Path, comment: str = "token") -> None:
        self.socket = path
        self.signatures = 0
        self._comment = comment.encode()
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = _string(_TYPE) + _string(public) + _string(_APPLICATION)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def public_line(self) -> str:
        """Return the key as authorized_keys has it."""
        return f"{_TYPE.decode()} {base64.b64encode(self.blob).decode()} token\n"

    def end(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as requests:
            while length := requests.read(4):
                request = requests.read(int.from_bytes(length, "big"))
                client.sendall(_string(self._answer(request)))

    def _answer(self, request: bytes) -> bytes:
        if request[0] == _LIST:
            keys = _string(self.blob) + _string(self._comment)
            return bytes([_LISTED]) + (1).to_bytes(4, "big") + keys
        if request[0] == _SIGN:
            _, rest = _taken(request[1:])
            data, _ = _taken(rest)
            return bytes([_SIGNED]) + _string(self._sign(data))
        return bytes([_FAILURE])

    def _sign(self, data: bytes) -> bytes:
        self.signatures += 1
        counter = self.signatures.to_bytes(4, "big")
        signed = hashlib.sha256(_APPLICATION).digest() + _USER_PRESENT + counter
        signature = self._key.sign(signed + hashlib.sha256(data).digest())
        # Flags and counter stand behind the signature, where that of other keys ends.
        return _string(_TYPE) + _string(signature) + _USER_PRESENT + counter


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _taken(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]
