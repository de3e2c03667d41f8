"""A connection that many sessions share, of any process of the user's: ssh's ControlMaster.

The one who opens it logs in, with a token perhaps; the others find its control socket, and log in
no more. Beside the socket stands the host's key as it was presented, so that each session judges
it by its own options.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import stat
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ncwire.driver import ChannelInfo, HostKey
from ncwire.errors import OptionError, SSHError, UnsupportedOption
from ncwire_openssh import program
from ncwire_openssh.folder import LONGEST_PLACE
from ncwire_openssh.handlers import raise_others
from ncwire_openssh.mux import MuxClient

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions

_OPTION = "driver_options.control_path"
_LONGEST = 107
"""Bytes of a Unix socket's name (unix(7))."""
_NAMES = ({"%C"}, {"%h", "%p", "%r"})
"""What a path must have in it, one or the other, so that no two hosts or users share one."""
_TOKEN = re.compile("%[%hprC]")


class SharedMaster:
    """Where a shared ssh is to be found: its control socket, and the host's key beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key_path = path.with_name(f"{path.name}.hostkey")

    @classmethod
    def of(cls, options: ConnectOptions) -> Self | None:
        """Return the one that the options name; None where they name none.

        Raises `OptionError` for a path that would be the same for other hosts or users, that is
        too long, or whose folder is missing, and `UnsupportedOption` beside a `sock`.
        """
        given = options.driver_options.get("control_path")
        if not given:
            return None
        text = str(given)
        found = {*_TOKEN.findall(text)}  # not those behind a %%, which stand for themselves
        if not any(names <= found for names in _NAMES):
            raise OptionError(
                _OPTION,
                "needs %C in it, or %h, %p and %r, for it to be each host's and user's own",
            )
        if options.sock is not None:
            raise UnsupportedOption(
                "openssh",
                _OPTION,
                "a connection that is given (sock, sock_fd) is the session's own",
            )
        path = Path(_expanded(text, options)).expanduser().absolute()
        if len(os.fsencode(path)) > _LONGEST or len(os.fsencode(path.parent)) > LONGEST_PLACE:
            raise OptionError(_OPTION, f"{path} is too long for a socket's; use %C")
        if not path.parent.is_dir():  # ssh would go on, and share nothing
            raise OptionError(_OPTION, f"there is no folder {path.parent}")
        return cls(path)

    def reached(self, options: ConnectOptions) -> MuxClient | None:
        """Return a connection to it; None where it does not run.

        The host's key is judged as ever, if the one who opened it left it: the options' own
        policy may raise. Raises `SSHError` for a socket of another user's, and for what is none.
        """
        before = self._identity()
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
            # The one that was connected to, unless another has come in its place meanwhile.
            self._judge(options, before if before == self._identity() else "")
        except BaseException:
            client.close()
            raise
        return client

    def place(self) -> Path:
        """Return the folder to make the socket in: a file has no second name on another disk.

        Raises `OptionError` where none can be made there.
        """
        place = self._path.parent
        if not os.access(place, os.W_OK | os.X_OK):
            raise OptionError(
                _OPTION, f"no socket can be made in {place}: it has to be writable by this user"
            )
        return place

    def publish(self, control: Path, host_key: HostKey | None) -> None:
        """Let others find a running ssh by its control socket.

        Where somebody was quicker, this ssh serves its own session alone.
        """
        if host_key is None:
            return
        try:
            note = f"{_identity_of(control)} {host_key.base64}"
            # The key first: a socket without one is taken for somebody else's.
            if not self._path.exists():
                self._write(note)
                self._path.hardlink_to(control)
                self._write(note)  # again: who was late may have written its own in between
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

    def _identity(self) -> str:
        """Return what no other socket has that was there before or comes after; "" for none."""
        try:
            return _identity_of(self._path)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SSHError(f"the control socket {self._path}: {error.strerror}") from error

    def _write(self, note: str) -> None:
        number, name = tempfile.mkstemp(prefix=f"{self._key_path.name}.", dir=self._path.parent)
        own = Path(name)
        try:
            with os.fdopen(number, "w", encoding="ascii") as file:
                file.write(note)
            own.replace(self._key_path)
        except BaseException:
            own.unlink(missing_ok=True)
            raise

    def _judge(self, options: ConnectOptions, identity: str) -> None:
        check = options.host_key_check
        try:
            status = self._key_path.lstat()
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise SSHError(f"{self._key_path} can be written by others")
            whose, _, text = self._key_path.read_text(encoding="ascii").partition(" ")
            key: HostKey | None = HostKey.from_blob(base64.b64decode(text, validate=True))
            if whose != identity:  # of one that was there before, under the same name
                key = None
        except FileNotFoundError:
            key = None
        except (OSError, ValueError) as error:
            raise SSHError(f"{self._key_path} is no host key") from error
        if key is not None and check is not None:
            check.verify(key)
        elif options.hostkey_verify or options.hostkey_b64 is not None:
            raise SSHError(
                f"which host key the shared connection {self._path} was opened with is not known, "
                "for another program than ncwire has opened it: end it with ssh -O exit, or have "
                "a path of ncwire's own"
            )

    def _remove_stale(self) -> None:
        try:
            status = self._path.lstat()
            if stat.S_ISSOCK(status.st_mode) and status.st_uid == os.geteuid():
                self._path.unlink()
        except OSError as error:
            raise_others(error)


def _identity_of(path: Path) -> str:
    """Return what tells a socket from others; a second name of it has the same.

    The number of a file may be given anew, but not at the same time. Raises `SSHError` for what
    is no socket: a link would lead to the connection with another host.
    """
    status = path.lstat()
    if not stat.S_ISSOCK(status.st_mode):
        raise SSHError(f"{path} is no socket")
    return f"{status.st_dev}:{status.st_ino}:{status.st_mtime_ns}"


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
    return _TOKEN.sub(lambda token: values[token[0]], text)
