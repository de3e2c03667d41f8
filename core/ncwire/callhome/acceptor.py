"""The acceptor: the sockets that are listened on, and the wait for who comes."""

from __future__ import annotations

import errno
import logging
import os
import selectors
import socket
import time
from typing import TYPE_CHECKING

from ncwire._ssh.route.sockets import Address, look_up
from ncwire.driver import Wakeup
from ncwire.errors import ListenError

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

_BACKLOG = 128
_AT_ONCE = 64
"""How many are accepted from a socket before the waiting calls have their turn."""
_PAUSE = 1.0
_TRIES = 10
_ONE_CONNECTION = {
    getattr(errno, name)
    for name in (
        *("EAGAIN", "EWOULDBLOCK", "EINTR", "ECONNABORTED", "ECONNRESET", "EPERM"),
        *("ENETDOWN", "EPROTO", "ENOPROTOOPT", "EHOSTDOWN", "ENONET", "EHOSTUNREACH"),
        *("EOPNOTSUPP", "ENETUNREACH", "ETIMEDOUT"),
    )
    if hasattr(errno, name)
}
"""Errors that tell of the one connection, which is gone: accept(2), "Error handling"."""


def open_sockets(address: str | None, port: int) -> list[socket.socket]:
    """Listen on every address that a name has; None: on all of IPv6 and of IPv4.

    With port 0 all get one that is free. An address family that this machine lacks is left out.
    Raises `ListenError`; nothing is open then.
    """
    for _ in range(_TRIES if port == 0 else 1):
        try:
            return _open(_resolve(address, port))
        except OSError as error:
            # The free port of the first address may be taken on the second.
            if port != 0 or error.errno != errno.EADDRINUSE:
                raise ListenError(_told(address, port, error)) from error
            last = error
    raise ListenError(_told(address, port, last)) from last


class Acceptor:
    """Waits for connections on sockets, which are its own from here on; one thread waits.

    No error of `accept` ends it: a connection that is gone again is passed over, and when the
    process is out of fds it pauses, until it is woken or for a second, rather than spin.
    """

    def __init__(self, listening: Sequence[socket.socket]) -> None:
        self._listening = listening
        self._wakeup = Wakeup()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._resume_at: float | None = None
        self._told = False
        for sock in listening:
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)
        self.addresses = tuple(sock.getsockname()[:2] for sock in listening)

    def wake(self) -> None:
        """Make `wait` return; from any thread, also after `close`."""
        self._wakeup.ring()

    def wait(self, until: float | None) -> list[tuple[socket.socket, Address]]:
        """Return connections as soon as some have come; none when woken, or when it is time."""
        accepted: list[tuple[socket.socket, Address]] = []
        woken = False
        due = [at for at in (until, self._resume_at) if at is not None]
        patience = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in self._selector.select(patience):
            if key.fileobj is self._wakeup:
                woken = True
                self._wakeup.clear()
            elif isinstance(key.fileobj, socket.socket) and self._resume_at is None:
                self._accept(key.fileobj, accepted)
        # The thread that wakes us may have closed a connection, and so freed an fd.
        if self._resume_at is not None and (woken or time.monotonic() >= self._resume_at):
            self._resume()
        return accepted

    def close(self) -> None:
        """Stop listening, and free everything. Idempotent."""
        self._selector.close()
        self._wakeup.close()
        for sock in self._listening:
            sock.close()

    def abandon_in_child(self) -> None:
        """Stop listening in a forked child: its copies are closed, the parent's listen on."""
        self.close()

    def _accept(self, sock: socket.socket, accepted: list[tuple[socket.socket, Address]]) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, sockaddr = sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _ONE_CONNECTION:
                    continue
                self._pause(error)
                return
            self._told = False
            accepted.append((connection, Address(sock.family, sockaddr)))

    def _pause(self, error: OSError) -> None:
        if not self._told:
            problem = error.strerror or error
            _log.warning("accept: %s; calls wait, it is tried every %g s", problem, _PAUSE)
            self._told = True
        self._resume_at = time.monotonic() + _PAUSE
        for sock in self._listening:
            self._selector.unregister(sock)

    def _resume(self) -> None:
        self._resume_at = None
        for sock in self._listening:
            self._selector.register(sock, selectors.EVENT_READ)


def _resolve(address: str | None, port: int) -> list[Address]:
    found = look_up(address, port, socket.AI_PASSIVE | socket.AI_NUMERICSERV)
    return list(dict.fromkeys(found))


def _open(addresses: Sequence[Address]) -> list[socket.socket]:
    opened: list[socket.socket] = []
    lacking: OSError | None = None
    try:
        for address in addresses:
            host, port, *scope = address.sockaddr
            if not port and opened:
                port = opened[0].getsockname()[1]
            try:
                opened.append(_listen(address.family, (host, port, *scope)))
            except OSError as error:
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                lacking = error
    except BaseException:
        for sock in opened:
            sock.close()
        raise
    if not opened:
        raise lacking or OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return opened


def _listen(family: socket.AddressFamily, sockaddr: tuple[str | int, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Whatever the system's default is: IPv4 has a socket of its own.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(sockaddr)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _told(address: str | None, port: int, error: OSError) -> str:
    where = "all addresses" if address is None else address
    return f"listening on {where}, port {port}: {error.strerror or error}"
