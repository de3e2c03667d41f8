"""SSH servers that send what hurts a client's library, over real cryptography of paramiko's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import paramiko
from paramiko.common import cMSG_EXT_INFO

if TYPE_CHECKING:
    from paramiko.message import Message

MOST = 0xFFFF_FFFF
"""The greatest count of extensions that an EXT_INFO can state."""


def ext_info(count: int, *extensions: tuple[str, str]) -> paramiko.Message:
    """Return an EXT_INFO (RFC 8308) that states a count, whatever it has."""
    message = paramiko.Message()
    message.add_byte(cMSG_EXT_INFO)
    message.add_int(count)
    for name, value in extensions:
        message.add_string(name)
        message.add_string(value)
    return message


class Hostile(paramiko.Transport):
    """Sends one packet right behind its NEWKEYS: the first that is encrypted."""

    first: ClassVar[paramiko.Message]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.server_sig_algs = False

    if TYPE_CHECKING:

        def _send_message(self, data: Message) -> None: ...

    def _activate_outbound(self) -> None:
        super()._activate_outbound()  # type: ignore[misc]  # the stubs have public names only
        self._send_message(self.first)


class Inserting(paramiko.Transport):
    """Sends a message among the packets of the key exchange, as one in the middle could."""

    message: ClassVar[paramiko.Message]
    place: ClassVar[str]
    """Before which of the server's own it comes: "KEXINIT" or "NEWKEYS"."""

    if TYPE_CHECKING:

        def _send_message(self, data: Message) -> None: ...

    def _send_kex_init(self) -> None:
        if self.place == "KEXINIT":
            self._send_message(self.message)
        super()._send_kex_init()  # type: ignore[misc]  # as above

    def _activate_outbound(self) -> None:
        if self.place == "NEWKEYS":
            self._send_message(self.message)
        super()._activate_outbound()  # type: ignore[misc]  # as above


def inserting(message: paramiko.Message, place: str) -> type[Inserting]:
    """Return a transport that sends this message before KEXINIT or NEWKEYS."""
    return type("Inserted", (Inserting,), {"message": message, "place": place})


def sending(message: paramiko.Message) -> type[Hostile]:
    """Return a transport that sends this message first."""
    return type("Sending", (Hostile,), {"first": message})
