"""`Relay`: stands between a client and a server, counts, and breaks the connection at will."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

_SLICE = 1 << 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Relay:
    """Listens on a free port of 127.0.0.1 and forwards each connection to `server`.

    `close` ends it and everything that it forwards.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._all_links: list[_Link] = []
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="kit: relay", daemon=True)
        self._acceptor.start()

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

    def freeze(self) -> None:
        """Pass nothing on any more, in either direction, until `thaw`."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again."""
        self._flowing.set()

    def hang_up(self) -> None:
        """End the connections in TCP's orderly way, after what the server has sent by now."""
        for link in self._links:
            link.hang_up()

    def reset(self) -> None:
        """Break the connections: TCP's reset. Nothing of the server's arrives after that."""
        for link in self._links:
            link.reset()
        self.thaw()

    def close(self) -> None:
        """End everything. Idempotent."""
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
                self._all_links.append(_Link(client, server, host, self._flowing))


class _Link:
    """One connection that is forwarded."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        client_address: str,
        flowing: threading.Event,
    ) -> None:
        self.client_address = client_address
        self.sent = 0
        self.answered = 0
        self._client = client
        self._server = server
        self._flowing = flowing
        self._resetting = False
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._down = threading.Thread(target=self._forward_down, name="kit: relay", daemon=True)
        self._up = threading.Thread(target=self._forward_up, name="kit: relay", daemon=True)
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
                self._flowing.wait()
                self._server.sendall(data)
        # Also when the client has vanished: the server is to notice.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._down.join()
        self._client.close()
        self._server.close()

    def _forward_down(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(_SLICE):
                self._flowing.wait()
                if self._resetting:
                    return
                self._client.sendall(data)
                self.answered += len(data)
            if not self._resetting:
                self._client.shutdown(socket.SHUT_WR)
