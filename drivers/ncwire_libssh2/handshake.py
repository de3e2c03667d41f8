"""Identification strings and key exchange."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from ssh2.exceptions import SSH2Error
from ssh2.session import (
    LIBSSH2_METHOD_CRYPT_CS,
    LIBSSH2_METHOD_CRYPT_SC,
    LIBSSH2_METHOD_HOSTKEY,
    LIBSSH2_METHOD_KEX,
    LIBSSH2_METHOD_MAC_CS,
    LIBSSH2_METHOD_MAC_SC,
)

from ncwire.driver import ChannelInfo, Deadline, HostKey
from ncwire.errors import HandshakeError, StepTimeoutError
from ncwire_libssh2.faults import Fault

if TYPE_CHECKING:
    from ncwire.driver import Algorithms
    from ncwire_libssh2.connection import Connection

_PATIENCE = 0.5
"""Seconds to wait for the server's identification before ours is sent, which is only to see it:
libssh2 takes it in and does not tell, and sends ours with its first call."""

_OWN_INTEGRITY = "INTEGRATED-"  # libssh2 1.11.1, mac.c: the cipher needs no MAC

_LONGEST = 8192
"""How far to look for the identification among the lines that may precede it."""


def exchange(connection: Connection, algorithms: Algorithms, deadline: Deadline) -> HostKey:
    """Do the handshake, offering `algorithms` only. Raises `HandshakeError`."""
    restrict(connection, algorithms)
    with connection:
        sock = connection.sock
    try:
        connection.drive(lambda: connection.session.handshake(sock), deadline)
    except Fault as fault:
        raise HandshakeError(f"SSH handshake: {fault.describe()}") from fault.error
    connection.established()
    with connection:
        try:
            blob, _ = connection.session.hostkey()
            return HostKey.from_blob(blob)
        except (SSH2Error, ValueError) as error:
            raise HandshakeError("SSH handshake: the server has no usable host key") from error


def restrict(connection: Connection, algorithms: Algorithms) -> None:
    """Have libssh2 offer nothing else. Raises `HandshakeError` for what it does not have."""
    preferences = (
        (LIBSSH2_METHOD_KEX, "key exchange", algorithms.kex),
        (LIBSSH2_METHOD_HOSTKEY, "host key", algorithms.host_keys),
        (LIBSSH2_METHOD_CRYPT_CS, "cipher", algorithms.ciphers),
        (LIBSSH2_METHOD_CRYPT_SC, "cipher", algorithms.ciphers),
        (LIBSSH2_METHOD_MAC_CS, "MAC", algorithms.macs),
        (LIBSSH2_METHOD_MAC_SC, "MAC", algorithms.macs),
    )
    with connection:
        for method, what, names in preferences:
            try:
                connection.session.method_pref(method, ",".join(names))
            except SSH2Error as error:
                raise HandshakeError(
                    f"SSH handshake: libssh2 has no {what} algorithm of {', '.join(names)!r}"
                ) from error


def server_version(connection: Connection, deadline: Deadline) -> str:
    """Return the server's identification (RFC 4253 section 4.2) without taking it; "" if late."""
    within = Deadline.after(_PATIENCE, deadline.step, within=deadline)
    with suppress(StepTimeoutError, OSError):
        seen = 0
        while True:
            connection.wait(select.POLLIN, within)
            with connection:
                came = connection.sock.recv(_LONGEST, socket.MSG_PEEK)
            for line in came.split(b"\n")[:-1]:
                if line.startswith(b"SSH-"):
                    return line.rstrip(b"\r").decode("utf-8", "replace")
            if len(came) in (seen, _LONGEST):
                break  # the end, or nothing new, which poll would report for ever
            seen = len(came)
    deadline.remaining()
    return ""


def describe(connection: Connection, library_version: str, server: str) -> ChannelInfo:
    """Return what is known after a handshake that has been done: before, `methods` crashes."""
    with connection:
        methods = connection.session.methods
        mac = methods(LIBSSH2_METHOD_MAC_CS)
        return ChannelInfo(
            library="ssh2-python",
            library_version=library_version,
            server_version=server,
            kex=methods(LIBSSH2_METHOD_KEX),
            host_key_type=methods(LIBSSH2_METHOD_HOSTKEY),
            cipher=methods(LIBSSH2_METHOD_CRYPT_CS),
            mac="" if mac.startswith(_OWN_INTEGRITY) else mac,
        )
