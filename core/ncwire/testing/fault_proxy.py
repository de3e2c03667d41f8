"""`FaultProxy`: stands between client and server, counts, and breaks the connection at will."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ncwire.testing.fault_link import Change, Lane, Link, Pace, Side, Trigger, nothing
from ncwire.testing.plaintext import Bytes, Messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and forwards each connection to `server`.

    `server` is a host and port, or the path of a Unix socket. With `path` it listens on a Unix
    socket of that path, which must not be there yet, and is removed in the end; `port` is 0 then.
    What of a fault is TCP's alone is noted there.

    It passes everything on until it is told of a fault, at once by `freeze`, `deafen`, `drip`,
    `throttle`, `cut`, `sever`, `end_client`, `hang_up` or `reset`, or in advance by `after_bytes`
    or `after_message`; `change_next` and `change_message` alter what passes. What it is told
    holds for every connection, those to come included where that has a meaning. `close` ends
    it and everything that it forwards. Raises OSError when it cannot listen.
    """

    def __init__(self, server: tuple[str, int] | str, path: str | None = None) -> None:
        self._server = server
        self._path = path
        self._listener = _listener(path)
        self._flowing = threading.Event()
        self._flowing.set()
        self._hearing = threading.Event()
        self._hearing.set()
        self._closing = threading.Event()
        self._spoken = threading.Event()
        self._paces: dict[Side, Pace | None] = dict.fromkeys(Side)
        self._lock = threading.Lock()
        self._all_links: list[Link] = []
        self._trigger: Trigger | None = None
        self._message_change: tuple[int, Change] | None = None
        self.port: int = 0 if path is not None else self._listener.getsockname()[1]
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

    def await_client(self, seconds: float) -> bool:
        """Return whether a client has said something, or does within so many seconds."""
        return self._spoken.wait(seconds)

    @property
    def idle(self) -> bool:
        """Whether every connection has ended."""
        return not any(link.alive for link in self._links)

    def await_end(self, seconds: float) -> bool:
        """Return whether every connection has ended, or does within so many seconds."""
        until = time.monotonic() + seconds
        return all(link.ends_by(until) for link in self._links)

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
        self._paces[Side.SERVER] = Pace(1, seconds) if seconds else None

    def throttle(self, size: int, seconds: float) -> None:
        """Pass on both sides' bytes, up to `size` at once, with such a pause after each time."""
        self._paces = dict.fromkeys(Side, Pace(size, seconds))

    def cut(self) -> None:
        """Half-close the connections, in TCP's orderly way, right after what has been passed on.

        The client is told that the server sends no more; what the client sends still passes.
        """
        for link in self._links:
            link.cut()
        self.thaw()

    def sever(self) -> None:
        """End the connections for both sides, as the kernel does for a process that has died.

        Each is told of the end in TCP's orderly way; to what the client sends after that, the
        answer is a reset.
        """
        for link in self._links:
            link.sever()
        self.thaw()

    def end_client(self) -> None:
        """Half-close the connections the other way: the server is told that the client ended."""
        for link in self._links:
            link.end_client()

    def hang_up(self) -> None:
        """End the connections in TCP's orderly way, after what the server has sent by now."""
        for link in self._links:
            link.hang_up()

    def reset(self) -> None:
        """Break the connections: TCP's reset. Nothing of the server's arrives after that.

        On a Unix socket the client is told of more than an end only if it has sent something that
        has not been taken in (Linux, net/unix/af_unix.c): `freeze`, and let it send much.
        """
        for link in self._links:
            link.reset()
        self.thaw()

    def after_bytes(self, size: int, fault: Callable[[], object]) -> None:
        """Have `fault` called once so many bytes of a server's have been passed on.

        It is a method of the proxy's, or any function, and is called for each connection that
        comes after this, in the middle of forwarding. A later call replaces this one.
        """
        self._trigger = Trigger(lambda: Bytes(size), fault)

    def after_message(self, number: int, fault: Callable[[], object]) -> None:
        """Have `fault` called once a server's message of this number has been passed on.

        Numbers are SSH's (RFC 4250 section 4.1.2), 0 stands for the identification string; only
        messages before encryption begins can be told, of which 21 (NEWKEYS) is the last. See
        `after_bytes`. Raises ValueError for a number that is none of the transport's.
        """
        Messages(number)
        self._trigger = Trigger(lambda: Messages(number), fault)

    def change_next(
        self,
        change: Callable[[bytes], bytes],
        then: Callable[[], object] = nothing,
        *,
        of: Side = Side.SERVER,
    ) -> None:
        """Have what passes next, from that side, replaced by what `change` makes of it.

        It is given what one read brings: of a peer that has been waited for, the one packet that
        it sends next. Once the outcome has been passed on, `then` is called: a method of the
        proxy's, or any function. Both are called in the middle of forwarding, once for each of
        the connections that there are now.
        """
        for link in self._links:
            link.lanes[of].change = Change(change, then)

    def change_message(
        self,
        number: int,
        change: Callable[[bytes], bytes],
        then: Callable[[], object] = nothing,
    ) -> None:
        """Do as `change_next` to a server's message of this number, and to nothing else.

        It holds for each connection that comes after this; for the numbers see `after_message`.
        A message is held back until it is whole. Raises ValueError as that does.
        """
        Messages(number)
        self._message_change = (number, Change(change, then))

    def close(self) -> None:
        """End everything. Idempotent."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        if self._path is not None:
            Path(self._path).unlink(missing_ok=True)
        for link in self._links:
            link.shut_down()
        self.thaw()
        for link in self._links:
            link.join()

    @property
    def _links(self) -> list[Link]:
        with self._lock:
            return list(self._all_links)

    def _accept(self) -> None:
        while True:
            try:
                client, address = self._listener.accept()
            except OSError:
                return
            host = "" if self._path is not None else address[0]
            # A test that knows from the server of a connection is to find it here, too.
            with self._lock:
                server = _connected(self._server)
                self._all_links.append(Link(client, server, host, self._lanes(), self._spoken))

    def _lanes(self) -> dict[Side, Lane]:
        down = Lane(self._flowing, lambda: self._paces[Side.SERVER], self._closing, self._trigger)
        if self._message_change is not None:
            number, change = self._message_change
            down.change, down.place = change, Messages(number)
        up = Lane(self._hearing, lambda: self._paces[Side.CLIENT], self._closing)
        return {Side.SERVER: down, Side.CLIENT: up}


def _listener(path: str | None) -> socket.socket:
    if path is None:
        return socket.create_server(("127.0.0.1", 0))
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def _connected(server: tuple[str, int] | str) -> socket.socket:
    if not isinstance(server, str):
        return socket.create_connection(server)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(server)
    except BaseException:
        sock.close()
        raise
    return sock
