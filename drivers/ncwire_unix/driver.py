"""`UnixSocketDriver`: a path, the server that listens there, and whose it is."""

from __future__ import annotations

import os
import select
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar, Final

from ncwire.driver import (
    Deadline,
    Driver,
    DriverOption,
    Feature,
    OptionKind,
    Wakeup,
)
from ncwire.errors import ConnectError, OptionError, PeerUserError, TransportError
from ncwire_unix import peer
from ncwire_unix.channel import UnixSocketChannel

if TYPE_CHECKING:
    from ncwire.driver import Channel, ConnectOptions

_LONGEST: Final = 107 if sys.platform.startswith("linux") else 103
"""Bytes of a path in `sun_path` (unix(7)), its end not counted."""

_AGAIN: Final = 0.02
"""Seconds after which a server is tried again whose queue of connections is full: nothing tells
when it is not any more (connect(2), EAGAIN)."""


class UnixSocketDriver(Driver):
    """Carries a session over a Unix stream socket, in the clear: it does not leave the machine."""

    name = "unix"
    contract = (1, 0)
    transport = "unix"
    features = frozenset({Feature.SOCKET, Feature.FINISH})
    driver_options: ClassVar[tuple[DriverOption, ...]] = (
        DriverOption(
            name="path",
            kind=OptionKind.FILE,
            meaning="The socket's path; on Linux also @NAME, in the abstract namespace.",
        ),
        DriverOption(
            name="peer_uid",
            kind=OptionKind.TEXT,
            meaning="The user, by number or name, that must own the server's end.",
        ),
    )

    def __init__(self) -> None:
        self._aborted = False
        self._wakeup: Wakeup | None = None
        self._channel: UnixSocketChannel | None = None

    @classmethod
    def library(cls) -> str:
        """Return what stands in a library's place."""
        return "unix"

    def prepare(self, options: ConnectOptions) -> None:
        """Refuse a path, a socket or a user that cannot be used; see `Driver.prepare`."""
        _wanted(options)
        if options.sock is None:
            _address(_path(options))
            return
        if options.driver_options.get("path") is not None:
            raise _error("means nothing to a socket that is open already")
        if options.sock.family != socket.AF_UNIX:
            raise OptionError("sock", "it is no Unix socket")

    def connect(self, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Connect, and see whose the server is; see `Driver.connect`.

        Raises `ConnectError` and `PeerUserError`.
        """
        wanted = _wanted(options)
        sock = options.sock or self._connected(_path(options), options, deadline)
        try:
            _check_owner(sock, wanted)
            self._channel = UnixSocketChannel(sock)
            # Its mark comes before `abort` looks for the channel, so that one of both sees it.
            self._check_not_aborted()
        except BaseException:
            sock.close()
            raise
        return self._channel

    def abort(self) -> None:
        """Free everything at once; see `Backend.abort`."""
        self._aborted = True
        channel, wakeup = self._channel, self._wakeup
        if wakeup is not None:
            wakeup.ring()
        if channel is not None:
            channel.abort()

    def _connected(self, path: str, options: ConnectOptions, deadline: Deadline) -> socket.socket:
        address = _address(path)
        within = Deadline.after(options.timeouts.connect, f"connect to {path}", within=deadline)
        with closing(Wakeup()) as self._wakeup:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.setblocking(False)
                self._dial(sock, address, within, self._wakeup)
            except TransportError:  # first: a StepTimeoutError is an OSError, too
                sock.close()
                raise
            except OSError as error:
                sock.close()
                raise ConnectError(f"connect to {path}: {error.strerror or error}") from error
            except BaseException:
                sock.close()
                raise
        return sock

    def _dial(
        self, sock: socket.socket, address: str | bytes, deadline: Deadline, wakeup: Wakeup
    ) -> None:
        waiting = select.poll()
        waiting.register(wakeup.fileno(), select.POLLIN)
        while True:
            self._check_not_aborted()
            try:
                sock.connect(address)
            except BlockingIOError:
                waiting.poll(1000 * min(_AGAIN, deadline.remaining()))
            else:
                return

    def _check_not_aborted(self) -> None:
        if self._aborted:
            raise TransportError("Unix socket: aborted")


def _path(options: ConnectOptions) -> str:
    path = options.driver_options.get("path")
    if not isinstance(path, str):
        taken = "" if options.host is None else f"; the host {options.host!r} is no path"
        raise _error(
            f"needed, unless sock or sock_fd is given{taken}: give driver_options="
            "{'path': PATH}, -O path=PATH in the command, or the URL netconf+unix:///PATH"
        )
    return path


def _wanted(options: ConnectOptions) -> int | None:
    owner = options.driver_options.get("peer_uid")
    return None if owner is None else peer.wanted(str(owner))


def _address(path: str) -> str | bytes:
    name = os.fsencode(path)
    if len(name) > _LONGEST:
        raise _error(f"is {len(name)} bytes long, and a Unix socket's has {_LONGEST} at most")
    if not path.startswith("@"):
        return path
    if not sys.platform.startswith("linux"):
        raise _error(f"{path}: only Linux has abstract names; a file is named ./{path}")
    return b"\0" + name[1:]


def _check_owner(sock: socket.socket, wanted: int | None) -> None:
    if wanted is None:
        return
    try:
        found = peer.uid(sock)
    except OSError as error:
        raise TransportError(f"Unix socket: its owner is not known: {error.strerror}") from error
    if found != wanted:
        raise PeerUserError(peer.named(found), peer.named(wanted))


def _error(problem: str) -> OptionError:
    return OptionError("driver_options.path", problem)
