"""What ssh asks, and what it is answered: by the policy for host keys, and with the secrets."""

from __future__ import annotations

import os
import re
import unicodedata
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.driver import HostKey
from ncwire.errors import HandshakeError

if TYPE_CHECKING:
    from ncwire_openssh.folder import Folder

_FIELDS = 4
_MOST = 1 << 17
"""Bytes of a question: a host's certificate, which ssh has read, and a prompt are far below."""
LONGEST_ANSWER = 1023
"""Bytes that ssh takes of an answer (readpass.c)."""


@dataclass(frozen=True, slots=True)
class HostKeyQuestion:
    """Whether the host's key, or its certificate, is good; `name` is what ssh looks it up by."""

    key: HostKey
    name: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What ssh would have a person type."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What ssh would have a person do, as touch a security key."""

    text: str


Question = HostKeyQuestion | Prompt | Notice


class Questions:
    """The driver's ends of the folder's FIFOs. One question is open at a time."""

    def __init__(self, folder: Folder) -> None:
        # For both, so that there is a reader and a writer from the start, and no end in between.
        flags = os.O_RDWR | os.O_NONBLOCK
        self._asked = os.fdopen(os.open(folder.path / "questions", flags), "r+b", buffering=0)
        try:
            self._answers = os.fdopen(os.open(folder.path / "answers", flags), "r+b", buffering=0)
        except BaseException:
            self._asked.close()
            raise
        self._inbox = b""

    def fileno(self) -> int:
        """Return the fd to watch for questions."""
        return self._asked.fileno()

    def read(self) -> list[Question]:
        """Return what was asked; never blocks. Raises `HandshakeError` for what is no key."""
        while data := self._asked.read(1 << 16):
            self._inbox = (self._inbox + data)[-_MOST:]
        found = []
        while self._inbox.count(b"\0") >= _FIELDS:
            *fields, self._inbox = self._inbox.split(b"\0", _FIELDS)
            found.append(_question(fields))
        return found

    def answer(self, *lines: str) -> None:
        """Give ssh these lines, of which it takes one for a prompt."""
        text = "".join(f"={line}\n" for line in lines) + ".\n"
        self._put(text.encode(errors="surrogateescape"))

    def refuse(self) -> None:
        """Give ssh no answer; it goes on without, as with an empty one."""
        self._put(b"!\n")

    def close(self) -> None:
        """Close both. Idempotent."""
        self._asked.close()
        self._answers.close()

    def _put(self, answer: bytes) -> None:
        while self._answers.read(1 << 16):  # what has not been fetched
            pass
        self._answers.write(answer)


def _question(fields: list[bytes]) -> Question:
    kind, first, second, third = fields
    if kind == b"key":
        try:
            key = HostKey.from_blob(b64decode(second, validate=True))
        except ValueError as error:
            raise HandshakeError("SSH handshake: the server's host key is malformed") from error
        return HostKeyQuestion(key, third.decode(errors="replace"))
    text = second.decode(errors="replace")
    return Notice(text) if first == b"none" else Prompt(text)


def is_answer(text: str) -> bool:
    """Tell whether ssh takes all of this as an answer."""
    cut = any(character in text for character in "\r\n\0")
    return not cut and len(text.encode(errors="surrogateescape")) <= LONGEST_ANSWER


# The words for a password in the languages that PAM and the makers of devices have theirs in,
# casefolded, and what turns a line with that word into a question for something else: as in the
# core, for a driver that is not told whether an answer may be shown.
_PASSWORD = re.compile(
    "password|passwd|passwort|kennwort|mot de passe|contraseña|senha|palavra-passe|wachtwoord"
    "|lösenord|passord|adgangskode|salasana|hasło|heslo|jelszó|parola|şifre|пароль"
    "|パスワード|密码|密碼|口令|암호|비밀번호"
)
_SOMETHING_ELSE = re.compile(
    r"[?\uff1f]|(?<![\w@.-])(?:yes|y/n|new|retype|one[- ]time|otp|token)(?![\w.-])"
)


def asks_for_password(text: str) -> bool:
    """Tell whether a prompt of the server's asks for the password in so many words."""
    lines = unicodedata.normalize("NFC", text).casefold().split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return bool(_PASSWORD.search(last)) and not _SOMETHING_ELSE.search(last)


def known_hosts_lines(question: HostKeyQuestion) -> list[str]:
    """Return what a known_hosts file would have for ssh to take just this key or certificate.

    ssh verifies a certificate's signature, principals and dates itself, by the authority that is
    in it; it falls back to the plain key, which the policy has found good then.
    """
    key = question.key
    plain = f"* {key.type} {key.base64}"
    if not key.type.endswith(_CERTIFICATE):
        return [plain]
    certified, authority = _parts(key)
    return [
        f"@cert-authority * {authority.type} {authority.base64}",
        f"* {certified.type} {certified.base64}",
    ]


_CERTIFICATE = "-cert-v01@openssh.com"
_NUMBERS = {"ssh-rsa": 2, "ssh-ed25519": 1, "ssh-dss": 4}
_OF_OTHERS = 2  # ECDSA: the curve and the point


def _parts(certificate: HostKey) -> tuple[HostKey, HostKey]:
    """Return the key that is certified, and the authority's (OpenSSH's PROTOCOL.certkeys)."""
    plain_type = certificate.type.removesuffix(_CERTIFICATE)
    fields = _Fields(certificate.blob)
    fields.string()  # the type
    fields.string()  # the nonce
    begin = fields.position
    for _ in range(_NUMBERS.get(plain_type, _OF_OTHERS)):
        fields.string()
    name = plain_type.encode()
    key = len(name).to_bytes(4, "big") + name + certificate.blob[begin : fields.position]
    fields.position += 8 + 4  # the serial number, and the kind
    fields.string()  # the key id
    fields.string()  # the principals
    fields.position += 8 + 8  # from when, and to when
    for _ in range(3):  # critical options, extensions, reserved
        fields.string()
    return HostKey(plain_type, key), HostKey.from_blob(fields.string())


class _Fields:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def string(self) -> bytes:
        length = int.from_bytes(self._data[self.position : self.position + 4], "big")
        self.position += 4 + length
        return self._data[self.position - length : self.position]
