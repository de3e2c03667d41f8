"""Key exchange, by the algorithms that are given and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssh2.exceptions import SSH2Error
from ssh2.session import (
    LIBSSH2_FLAG_COMPRESS,
    LIBSSH2_METHOD_COMP_CS,
    LIBSSH2_METHOD_COMP_SC,
    LIBSSH2_METHOD_CRYPT_CS,
    LIBSSH2_METHOD_CRYPT_SC,
    LIBSSH2_METHOD_HOSTKEY,
    LIBSSH2_METHOD_KEX,
    LIBSSH2_METHOD_MAC_CS,
    LIBSSH2_METHOD_MAC_SC,
    MethodType,
)

from ncwire.driver import ChannelInfo, HostKey, is_aead
from ncwire.errors import HandshakeError, SSHError
from ncwire_libssh2.errors import Fault

if TYPE_CHECKING:
    from ncwire.driver import Algorithms, Deadline
    from ncwire_libssh2.connection import Connection
    from ncwire_libssh2.greeting import Greeting

_METHOD_SIGN_ALGO = MethodType(10)  # libssh2.h; ssh2-python 1.2.0 has no name for it


def exchange(connection: Connection, greeting: Greeting, algorithms: Algorithms) -> HostKey:
    """Exchange keys, offering `algorithms` only, and return the host key, seen to sign.

    What the server sends next is encrypted, and left unread: see `finish`. Raises
    `HandshakeError`.
    """
    restrict(connection, algorithms)
    try:
        greeting.exchange()
    except Fault as fault:
        raise HandshakeError(f"SSH handshake: {fault.describe()}") from fault.error
    with connection, connection.lock:
        connection.check_not_ending()
        try:
            blob, _ = connection.session.hostkey()
            return HostKey.from_blob(blob)
        except (SSH2Error, ValueError) as error:
            raise HandshakeError("SSH handshake: the server has no usable host key") from error


def finish(connection: Connection, deadline: Deadline) -> None:
    """Have libssh2 hear what comes encrypted, up to the answer to its request for a service.

    To be called once the host key was found good. Raises `SSHError`: by then keys have been
    exchanged, and it is authentication that does not come to be.
    """
    try:
        connection.drive_aside(
            lambda: connection.session.handshake(connection.handed_over), deadline
        )
    except Fault as fault:
        raise SSHError(f"authentication: {fault.describe()}") from fault.error
    connection.established()


def restrict(connection: Connection, algorithms: Algorithms) -> None:
    """Have libssh2 offer nothing else. Raises `HandshakeError` for what it does not have."""
    compression = algorithms.compression or ("none",)
    preferences = (
        (LIBSSH2_METHOD_KEX, "key exchange", algorithms.kex),
        (LIBSSH2_METHOD_HOSTKEY, "host key", algorithms.host_keys),
        (LIBSSH2_METHOD_CRYPT_CS, "cipher", algorithms.ciphers),
        (LIBSSH2_METHOD_CRYPT_SC, "cipher", algorithms.ciphers),
        (LIBSSH2_METHOD_MAC_CS, "MAC", algorithms.macs),
        (LIBSSH2_METHOD_MAC_SC, "MAC", algorithms.macs),
        (LIBSSH2_METHOD_COMP_CS, "compression", compression),
        (LIBSSH2_METHOD_COMP_SC, "compression", compression),
        (_METHOD_SIGN_ALGO, "signature", _signatures(algorithms)),
    )
    with connection, connection.lock:
        connection.check_not_ending()
        # Without it libssh2 has no compression to choose from.
        connection.session.flag(LIBSSH2_FLAG_COMPRESS, compression != ("none",))
        for method, what, names in preferences:
            try:
                connection.session.method_pref(method, ",".join(names))
            except SSH2Error as error:
                raise HandshakeError(
                    f"SSH handshake: libssh2 has no {what} algorithm of {', '.join(names)!r}"
                ) from error


def _signatures(algorithms: Algorithms) -> tuple[str, ...]:
    """Return what an RSA key of the user's may sign with: by SHA-1 only where ssh-rsa is offered.

    libssh2 1.11.1 chooses among what the server says that it takes (RFC 8308), whatever that
    be; a server that says nothing gets ssh-rsa (userauth.c, _libssh2_key_sign_algorithm).
    """
    legacy = ("ssh-rsa",) if "ssh-rsa" in algorithms.host_keys else ()
    return ("rsa-sha2-512", "rsa-sha2-256", *legacy)


def describe(connection: Connection, library_version: str, server: str) -> ChannelInfo:
    """Return what is known after a handshake that has been done: before, `methods` crashes."""
    with connection, connection.lock:
        connection.check_not_ending()
        methods = connection.session.methods
        cipher = methods(LIBSSH2_METHOD_CRYPT_SC)
        return ChannelInfo(
            library="ssh2-python",
            library_version=library_version,
            server_version=server,
            kex=methods(LIBSSH2_METHOD_KEX),
            host_key_type=methods(LIBSSH2_METHOD_HOSTKEY),
            cipher=cipher,
            mac="" if is_aead(cipher) else methods(LIBSSH2_METHOD_MAC_SC),
            compression=methods(LIBSSH2_METHOD_COMP_SC),
        )
