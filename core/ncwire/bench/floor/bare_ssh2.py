"""The floor of libssh2: ssh2-python in a bare loop.

The fastest of what was tried, which `compare.py floors` does again; with ssh2-python 1.2.0 and
libssh2 1.11.1 against OpenSSH 9.2:

- aes128-gcm; aes256-gcm is as fast, aes128-ctr with an encrypt-then-MAC hash takes a fifth longer
  for a large reply, chacha20, which libssh2 would choose, more than twice as long;
- non-blocking, polled before the first read. Blocking takes as long, and so does reading first,
  which is a needless system call;
- reads of 256 kB; between 32 kB and 1 MB there is little difference, in CPU time least here;
- the window that libssh2 has by itself, 2 MB: 16 MB are no faster.
"""

from __future__ import annotations

import select
from functools import partial
from typing import TYPE_CHECKING, Any

from ncwire.bench.floor.bare import CIPHER, KILO, Bare, connected

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ncwire.bench.floor.framing import Chunks, EndMarker

READ = 256 * KILO


class BareSSH2(Bare):
    """Non-blocking, polled before the first read.

    The first read after a write would find nothing and cost a system call. The reply cannot
    have come in by the write: that takes in what there is before it sends.
    """

    def __init__(
        self,
        target: Any,
        read: int = READ,
        mode: str = "poll",
        cipher: str = CIPHER,
        mac: str = "",
        window: int = 0,
    ) -> None:
        super().__init__(target)
        self._read = read
        self._mode = mode
        self._cipher = cipher
        self._mac = mac
        self._window = window
        self._sock: socket.socket | None = None
        self._session: Any = None
        self._channel: Any = None

    def connect(self) -> None:
        """See `Bare`."""
        from ssh2 import session as ssh2  # noqa: PLC0415 - the core has no backend library

        self._sock = connected(self.target)
        session = self._session = ssh2.Session()
        for direction in (ssh2.LIBSSH2_METHOD_CRYPT_CS, ssh2.LIBSSH2_METHOD_CRYPT_SC):
            session.method_pref(direction, self._cipher)
        if self._mac:
            for direction in (ssh2.LIBSSH2_METHOD_MAC_CS, ssh2.LIBSSH2_METHOD_MAC_SC):
                session.method_pref(direction, self._mac)
        session.handshake(self._sock)
        session.userauth_publickey_fromfile(self.target.user, self.target.key, "")
        channel = self._channel = session.open_session()
        channel.subsystem("netconf")
        if self._window:
            channel.receive_window_adjust2(self._window, True)

    def read_some(self) -> bytes:
        """See `Bare`."""
        return bytes(self._channel.read(READ)[1])

    def write(self, data: bytes) -> None:
        """See `Bare`."""
        self._channel.write(data)

    def loop(
        self, request: bytes, receiver: Callable[[], Chunks | EndMarker]
    ) -> Callable[[], list[bytes]]:
        """See `Bare`."""
        self._session.set_blocking(self._mode == "block")
        if self._sock is None:
            raise AssertionError("it was not opened")
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        loop = {"poll": _polling, "read first": _reading_first, "block": _blocking}[self._mode]
        return partial(loop, self._channel, poll.poll, self._read, request, receiver)

    def close(self) -> None:
        """End the connection."""
        if self._sock is not None:
            self._session.set_blocking(False)
            self._session.disconnect()
            self._channel = self._session = None
            self._sock.close()
            self._sock = None


def _polling(
    channel: Any,
    wait: Callable[[], Any],
    size: int,
    request: bytes,
    receiver: Callable[[], Chunks | EndMarker],
) -> list[bytes]:
    channel.write(request)
    wait()
    return _read_all(channel, wait, size, receiver)


def _reading_first(
    channel: Any,
    wait: Callable[[], Any],
    size: int,
    request: bytes,
    receiver: Callable[[], Chunks | EndMarker],
) -> list[bytes]:
    channel.write(request)
    return _read_all(channel, wait, size, receiver)


def _blocking(
    channel: Any,
    _wait: Callable[[], Any],
    size: int,
    request: bytes,
    receiver: Callable[[], Chunks | EndMarker],
) -> list[bytes]:
    channel.write(request)
    return _read_all(channel, _never, size, receiver)


def _read_all(
    channel: Any,
    wait: Callable[[], Any],
    size: int,
    receiver: Callable[[], Chunks | EndMarker],
) -> list[bytes]:
    read = channel.read
    reads: list[bytes] = []
    feed = receiver().feed
    while True:
        _, data = read(size)
        if data:
            reads.append(data)
            if feed(data):
                return reads
        elif channel.eof():
            raise EOFError
        else:
            wait()


def _never() -> None:
    raise AssertionError("a blocking read returned nothing, and there is no end")
