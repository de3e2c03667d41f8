"""The floor of paramiko: its Channel in a bare loop.

The fastest of what was tried, which `compare.py floors` does again; with paramiko 5.1 against
OpenSSH 9.2:

- aes128-gcm; aes256-gcm is as fast, aes128-ctr with an encrypt-then-MAC hash takes half as long
  again for a large reply;
- the channel's fileno polled, then a read that does not wait. A blocking read is as fast for one
  rpc and takes a little longer in large replies;
- reads of 1 MB, which take all that has come. Smaller ones are as fast for small replies;
- packets of 256 kB and a window of 16 MB, with which large replies come a tenth faster than with
  paramiko's own 32 kB and 2 MB; either alone gains little;
- the plain socket. One that reads ahead for paramiko, which reads a packet in two parts, and does
  not wake it ten times a second, saves system calls but no time.
"""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING, Any

from ncwire.bench.floor.bare import CIPHER, KILO, Bare, connected

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko

    from ncwire.bench.floor.framing import Chunks, EndMarker

READ = KILO * KILO
WINDOW = 16 * KILO * KILO
PACKET = 256 * KILO


class BareParamiko(Bare):
    """Its channel, polled; the parameters are what else was tried."""

    def __init__(
        self,
        target: Any,
        read: int = READ,
        mode: str = "poll",
        cipher: str = CIPHER,
        mac: str = "",
        window: int = WINDOW,
        packet: int = PACKET,
        sock: str = "plain",
    ) -> None:
        super().__init__(target)
        self._read = read
        self._mode = mode
        self._cipher = cipher
        self._mac = mac
        self._window = window
        self._packet = packet
        self._sock = sock
        self._transport: paramiko.Transport | None = None
        self._channel: Any = None

    @staticmethod
    def error() -> type[Exception]:
        """Return what paramiko's own errors are."""
        import paramiko  # noqa: PLC0415 - the core has no backend library

        return paramiko.SSHException

    def connect(self) -> None:
        """See `Bare`."""
        import paramiko  # noqa: PLC0415 - the core has no backend library

        sock: Any = connected(self.target)
        if self._sock == "buffered":
            sock = BufferedSocket(sock)
        transport = self._transport = paramiko.Transport(sock)
        options = transport.get_security_options()
        options.ciphers = (self._cipher,)
        if self._mac:
            options.digests = (self._mac,)
        transport.start_client()
        key = paramiko.Ed25519Key.from_private_key_file(self.target.key)
        transport.auth_publickey(self.target.user, key)
        channel = transport.open_session(window_size=self._window, max_packet_size=self._packet)
        channel.invoke_subsystem("netconf")
        self._channel = channel

    def read_some(self) -> bytes:
        """See `Bare`."""
        return bytes(self._channel.recv(READ))

    def write(self, data: bytes) -> None:
        """See `Bare`."""
        self._channel.sendall(data)

    def loop(
        self, request: bytes, receiver: Callable[[], Chunks | EndMarker]
    ) -> Callable[[], list[bytes]]:
        """See `Bare`."""
        channel, size = self._channel, self._read
        receive, send = channel.recv, channel.sendall
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        wait = poll.poll

        def polling() -> list[bytes]:
            send(request)
            reads: list[bytes] = []
            feed = receiver().feed
            while True:
                wait()
                try:
                    data = receive(size)
                except TimeoutError:
                    continue
                reads.append(data)
                if feed(data):
                    return reads
                if not data:
                    raise EOFError

        def blocking() -> list[bytes]:
            send(request)
            reads: list[bytes] = []
            feed = receiver().feed
            while True:
                data = receive(size)
                reads.append(data)
                if feed(data):
                    return reads
                if not data:
                    raise EOFError

        channel.settimeout(0.0 if self._mode == "poll" else None)
        return {"poll": polling, "block": blocking}[self._mode]

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class BufferedSocket:
    """Reads as much as there is, and has no timeout: paramiko reads 16 bytes, then a packet."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._data = b""
        self._at = 0
        self.send = sock.send
        self.getpeername = sock.getpeername

    def settimeout(self, _seconds: float | None) -> None:
        """Ignore it: paramiko would look at its own state ten times a second."""

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        at = self._at
        if at == len(self._data):
            self._data = self._sock.recv(256 * KILO)
            at = 0
        part = self._data[at : at + size]
        self._at = at + len(part)
        return part

    def close(self) -> None:
        """Wake the thread that reads, and close."""
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
