"""A connection that many sessions share, of any process of the user's: ssh's ControlMaster.

The one who opens it logs in, with a token perhaps; the others find its control socket, and log in
no more. Beside the socket stands the host's key as it was presented, so that each session judges
it by its own options.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ncwire.driver import ChannelInfo, HostKey
from ncwire.errors import SSHError, UnsupportedOption
from ncwire_openssh import program
from ncwire_openssh.folder import write_private
from ncwire_openssh.handlers import raise_others
from ncwire_openssh.mux import MuxClient

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions

_LONGEST = 107
"""Bytes of a Unix socket's name (unix(7))."""
_NAMES = (("%C",), ("%h", "%p", "%r"))
"""What a path must have in it, one or the other, so that no two hosts or users share one."""


class SharedMaster:
    """Where a shared ssh is to be found: its control socket, and the host's key beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key_path = path.with_name(f"{path.name}.hostkey")

    @classmethod
    def of(cls, options: ConnectOptions) -> Self | None:
        """Return the one that the options name; None where they name none.

        Raises `UnsupportedOption` for a path that would be the same for other hosts or users.
        """
        given = options.driver_options.get("control_path")
        if not given:
            return None
        text = str(given)
        if not any(all(name in text for name in names) for names in _NAMES):
            raise UnsupportedOption(
                "openssh",
                "driver_options.control_path",
                "it needs %C in it, or %h, %p and %r, for it to be each host's and user's own",
            )
        path = Path(_expanded(text, options)).expanduser().absolute()
        if len(os.fsencode(path)) > _LONGEST:
            raise UnsupportedOption(
                "openssh", "driver_options.control_path", "too long for a socket's; use %C"
            )
        return cls(path)

    def reached(self, options: ConnectOptions) -> MuxClient | None:
        """Return a connection to it; None where it does not run.

        The host's key is judged as ever, if the one who opened it left it: the options' own
        policy may raise. Raises `SSHError` for a socket of another user's.
        """
        try:
            client = MuxClient(str(self._path))
        except ConnectionRefusedError:
            self._remove_stale()
            return None
        except OSError as error:
            raise_others(error)
            return None
        try:
            self._check_owner(client.sock)
            self._judge(options)
        except BaseException:
            client.close()
            raise
        return client

    def publish(self, control: Path, host_key: HostKey | None) -> None:
        """Let others find a running ssh by its control socket.

        Where somebody was quicker, this ssh serves its own session alone.
        """
        if host_key is None:
            return
        own = self._key_path.with_name(f"{self._key_path.name}.{os.getpid()}")
        try:
            write_private(own, host_key.base64)
            try:
                # The key first: a socket without one is taken for somebody else's.
                if not self._path.exists():
                    own.replace(self._key_path)
                    self._path.hardlink_to(control)
            finally:
                own.unlink(missing_ok=True)
        except OSError as error:
            raise_others(error)

    def info(self, path: str) -> ChannelInfo:
        """Return what is known of a connection that others have opened."""
        library, _, version = program.version(path).partition(" ")
        return ChannelInfo(library=library, library_version=version)

    def _check_owner(self, sock: socket.socket) -> None:
        if not hasattr(socket, "SO_PEERCRED"):
            owner = self._path.lstat().st_uid
        else:
            size = struct.calcsize("3i")
            credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            _, owner, _ = struct.unpack("3i", credentials)
        if owner != os.geteuid():
            raise SSHError(f"the control socket {self._path} is another user's")

    def _judge(self, options: ConnectOptions) -> None:
        check = options.host_key_check
        try:
            status = self._key_path.lstat()
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise SSHError(f"{self._key_path} can be written by others")
            key = HostKey.from_blob(base64.b64decode(self._key_path.read_bytes(), validate=True))
        except FileNotFoundError:
            key = None
        except (OSError, ValueError) as error:
            raise SSHError(f"{self._key_path} is no host key") from error
        if key is not None and check is not None:
            check.verify(key)
        elif options.hostkey_b64 is not None:
            raise SSHError(
                f"which host key the shared connection {self._path} was opened with is not known"
            )

    def _remove_stale(self) -> None:
        try:
            status = self._path.lstat()
            if stat.S_ISSOCK(status.st_mode) and status.st_uid == os.geteuid():
                self._path.unlink()
        except OSError as error:
            raise_others(error)


def _expanded(text: str, options: ConnectOptions) -> str:
    host, port, user = options.host or "", str(options.port), options.username
    # As OpenSSH computes it (ssh.c, ssh_connection_hash).
    whole = f"{socket.gethostname()}{host}{port}{user}".encode(errors="surrogateescape")
    values = {
        "%%": "%",
        "%h": host,
        "%p": port,
        "%r": user,
        "%C": hashlib.sha1(whole, usedforsecurity=False).hexdigest(),
    }
    pieces = []
    while text:
        token = text[:2]
        piece = values.get(token, text[:1])
        pieces.append(piece)
        text = text[2 if token in values else 1 :]
    return "".join(pieces)
