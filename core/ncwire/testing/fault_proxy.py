"""`FaultProxy`: stands between client and server, counts, and breaks the connection at will."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from ncwire.testing.plaintext import Bytes, Messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_SLICE = 1 << 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and forwards each connection to `server`.

    It passes everything on until it is told of a fault, at once by `freeze`, `deafen`, `drip`,
    `cut`, `hang_up` or `reset`, or in advance by `after_bytes` or `after_message`. What it is told
    holds for every connection, those to come included where that has a meaning. `close` ends
    it and everything that it forwards. Raises OSError when it cannot listen.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()
        self._flowing.set()
        self._hearing = threading.Event()
        self._hearing.set()
        self._closing = threading.Event()
        self._pause = 0.0
        self._lock = threading.Lock()
        self._all_links: list[_Link] = []
        self._trigger: _Trigger | None = None
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="fault proxy", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- what is known -------------------------------------------------------------------------

    @property
    def clients(self) -> list[str]:
        """The addresses that connections came from."""
        return [link.client_address for link in self._links]

    @property
    def sent(self) -> int:
        """How many bytes the clients have sent."""
        return sum(link.sent for link in self._links)

    @property
    def answered(self) -> int:
        """How many bytes of the server's have been passed on."""
        return sum(link.answered for link in self._links)

    @property
    def traffic(self) -> int:
        """How many bytes have come from either side."""
        return self.sent + self.answered

    @property
    def idle(self) -> bool:
        """Whether every connection has ended."""
        return not any(link.alive for link in self._links)

    @property
    def hung_up(self) -> bool:
        """Whether every client has been sent all that the server has said, and the end."""
        return not any(link.flows_down for link in self._links)

    # --- faults --------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Pass nothing on any more, in either direction, until `thaw`."""
        self._flowing.clear()
        self._hearing.clear()

    def deafen(self) -> None:
        """Pass nothing on to the server any more, until `thaw`; what it says passes."""
        self._hearing.clear()

    def thaw(self) -> None:
        """Pass on again."""
        self._flowing.set()
        self._hearing.set()

    def drip(self, seconds: float) -> None:
        """Pass on the server's bytes one by one, with a pause of so many seconds after each."""
        self._pause = seconds

    def cut(self) -> None:
        """End the connections in TCP's orderly way, right after what has been passed on."""
        for link in self._links:
            link.cut()
        self.thaw()

    def hang_up(self) -> None:
        """End the connections in TCP's orderly way, after what the server has sent by now."""
        for link in self._links:
            link.hang_up()

    def reset(self) -> None:
        """Break the connections: TCP's reset. Nothing of the server's arrives after that."""
        for link in self._links:
            link.reset()
        self.thaw()

    def after_bytes(self, size: int, fault: Callable[[], object]) -> None:
        """Have `fault` called once so many bytes of a server's have been passed on.

        It is a method of the proxy's, or any function, and is called for each connection that
        comes after this, in the midst of forwarding. A later call replaces this one.
        """
        self._trigger = _Trigger(lambda: Bytes(size), fault)

    def after_message(self, number: int, fault: Callable[[], object]) -> None:
        """Have `fault` called once a server's message of this number has been passed on.

        Numbers are SSH's (RFC 4250 section 4.1.2), 0 stands for the identification string; only
        messages before encryption begins can be told, of which 21 (NEWKEYS) is the last. See
        `after_bytes`. Raises ValueError for a number that is none of the transport's.
        """
        Messages(number)
        self._trigger = _Trigger(lambda: Messages(number), fault)

    def close(self) -> None:
        """End everything. Idempotent."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for link in self._links:
            link.shut_down()
        self.thaw()
        for link in self._links:
            link.join()

    @property
    def _links(self) -> list[_Link]:
        with self._lock:
            return list(self._all_links)

    def _accept(self) -> None:
        while True:
            try:
                client, (host, _) = self._listener.accept()
            except OSError:
                return
            # Whoever knows from the server that it has a connection is to find it here, too.
            with self._lock:
                server = socket.create_connection(self._server)
                self._all_links.append(_Link(client, server, host, self._flow()))

    def _flow(self) -> _Flow:
        return _Flow(
            self._flowing, self._hearing, self._trigger, lambda: self._pause, self._closing
        )


class _Trigger:
    """What is to happen on each connection, and when."""

    def __init__(
        self, counter: Callable[[], Bytes | Messages], fault: Callable[[], object]
    ) -> None:
        self.counter = counter
        self.fault = fault


class _Flow:
    """How bytes pass on one connection: whether, how many at once, and what then."""

    def __init__(
        self,
        flowing: threading.Event,
        hearing: threading.Event,
        trigger: _Trigger | None,
        pause: Callable[[], float],
        closing: threading.Event,
    ) -> None:
        self._flowing = flowing
        self.hearing = hearing
        """Set while the client's bytes pass."""
        self._counter = trigger.counter() if trigger else None
        self._fault = trigger.fault if trigger else None
        self._pause = pause
        self._closing = closing

    def portion(self, data: bytes) -> bytes:
        """Return what of the server's `data` passes next, once something does."""
        self._flowing.wait()
        return data[:1] if self._pause() else data[: self._admitted(data)]

    def passed(self, portion: bytes) -> None:
        """Do what comes after these bytes of the server's have passed."""
        if self._counter is not None and self._fault is not None:
            self._counter.count(portion)
            if self._counter.reached:
                self._counter = None
                self._fault()
        if pause := self._pause():
            self._closing.wait(pause)

    def _admitted(self, data: bytes) -> int:
        return len(data) if self._counter is None else self._counter.admits(data)


class _Link:
    """One connection that is forwarded."""

    def __init__(
        self, client: socket.socket, server: socket.socket, client_address: str, flow: _Flow
    ) -> None:
        self.client_address = client_address
        self.sent = 0
        self.answered = 0
        self._client = client
        self._server = server
        self._flow = flow
        self._resetting = False
        self._cutting = False
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._down = threading.Thread(target=self._forward_down, name="fault proxy", daemon=True)
        self._up = threading.Thread(target=self._forward_up, name="fault proxy", daemon=True)
        self._down.start()
        self._up.start()

    @property
    def alive(self) -> bool:
        return self._up.is_alive()

    @property
    def flows_down(self) -> bool:
        return self._down.is_alive()

    def hang_up(self) -> None:
        # What has been received is read first, then the end: so `_forward_down` finds it.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RD)

    def cut(self) -> None:
        self._cutting = True
        self.hang_up()

    def reset(self) -> None:
        self._resetting = True
        with suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            # It sends nothing, and wakes the thread that closes.
            self._client.shutdown(socket.SHUT_RD)

    def shut_down(self) -> None:
        for sock in (self._client, self._server):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        self._up.join()

    def _forward_up(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(_SLICE):
                self.sent += len(data)
                self._flow.hearing.wait()
                self._server.sendall(data)
        # Also when the client has vanished: the server is to notice.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._down.join()
        self._client.close()
        self._server.close()

    def _forward_down(self) -> None:
        with suppress(OSError):
            while not self._cutting and (data := self._server.recv(_SLICE)):
                self._pass_on(data)
            if not self._resetting:
                self._client.shutdown(socket.SHUT_WR)

    def _pass_on(self, data: bytes) -> None:
        while data:
            portion = self._flow.portion(data)
            if self._resetting or self._cutting:
                return
            self._client.sendall(portion)
            self.answered += len(portion)
            self._flow.passed(portion)
            data = data[len(portion) :]
