"""The floor: ssh2-python sessions in a bare epoll loop, one thread."""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Any

from ssh2.session import (
    LIBSSH2_METHOD_CRYPT_CS,
    LIBSSH2_METHOD_CRYPT_SC,
    LIBSSH2_SESSION_BLOCK_OUTBOUND,
    Session,
)

from many.crowd import AT_ONCE, EMPTY, Crowd
from ncwire.bench.floor import framing
from ncwire.bench.floor.bare import CIPHER
from ncwire.bench.target import CHUNKED, Case

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ncwire.bench.target import Target

AGAIN = -37
READ = 256 * 1024
HELLO_READ = 4096
REQUEST = framing.request(EMPTY)


class Link:
    """One session: its channel, and when its request was sent."""

    __slots__ = (
        "busy",
        "channel",
        "feed",
        "more",
        "request",
        "sent",
        "session",
        "sock",
        "streams",
    )

    def __init__(self, target: Target) -> None:
        self.sock = socket.create_connection((target.host, target.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.session: Any = Session()
        self.session.set_blocking(False)
        self.channel: Any = None
        self.sent = 0.0
        self.request = REQUEST
        self.streams = False
        self.busy = False
        self.more = False
        """Whether libssh2 has more than was read: the fd tells nothing of that."""
        self.feed: Callable[[bytes], bool] = framing.Chunks().feed

    def opening(self, target: Target) -> Iterator[int]:
        """Connect step by step; yields the events that the next step needs."""
        session = self.session
        for direction in (LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC):
            session.method_pref(direction, CIPHER)
        yield from self._until_done(lambda: session.handshake(self.sock))
        yield from self._until_done(
            lambda: session.userauth_publickey_fromfile(target.user, target.key, "")
        )
        self.channel = yield from self._until_done(session.open_session)
        yield from self._until_done(lambda: self.channel.subsystem("netconf"))
        received = b""
        while framing.END_OF_MESSAGE not in received:
            code, data = self.channel.read(HELLO_READ)
            received += data
            if code == AGAIN:
                yield select.EPOLLIN
        self.write(framing.hello(CHUNKED))

    def ask(self) -> None:
        """Send the request."""
        self.busy = True
        self.sent = time.perf_counter()
        self.write(self.request)

    def write(self, data: bytes) -> None:
        _, sent = self.channel.write(data)
        if sent != len(data):
            raise BlockingIOError("a request did not go out at once")

    def read(self) -> bool:
        """Take in what is there; return whether that ends a reply."""
        _, data = self.channel.read(READ)
        self.more = len(data) == READ
        if data and self.feed(data):
            self.feed = framing.Chunks().feed
            self.busy = False
            return True
        return False

    def close(self) -> None:
        self.sock.shutdown(socket.SHUT_RDWR)
        self.channel = self.session = None
        self.sock.close()

    def _until_done(self, step: Callable[[], Any]) -> Generator[int, None, Any]:
        while True:
            result = step()
            if result != AGAIN:
                return result
            outbound = self.session.block_directions() & LIBSSH2_SESSION_BLOCK_OUTBOUND
            yield select.EPOLLOUT if outbound else select.EPOLLIN


class BareEpoll(Crowd):
    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._epoll = select.epoll()
        self._links: dict[int, Link] = {}
        self._again: list[Link] = []

    def connect(self, count: int) -> None:
        openings: dict[int, tuple[Link, Iterator[int]]] = {}
        epoll = select.epoll()
        while len(self._links) < count:
            while len(openings) < AT_ONCE and len(self._links) + len(openings) < count:
                link = Link(self.target)
                fd = link.sock.fileno()
                openings[fd] = link, link.opening(self.target)
                epoll.register(fd, select.EPOLLOUT)
            for fd, _ in epoll.poll():
                link, opening = openings[fd]
                events = next(opening, None)
                if events is not None:
                    epoll.modify(fd, events)
                    continue
                epoll.unregister(fd)
                del openings[fd]
                self._links[fd] = link
                self._epoll.register(fd, select.EPOLLIN)
        epoll.close()

    def idle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for fd, _ in self._epoll.poll(left):
                self._links[fd].read()

    def exchange(self, seconds: float, rate: float, streamed: int) -> list[float]:
        links = list(self._links.values())
        if streamed:
            stream = links.pop(0)
            stream.request = framing.request(Case(streamed))
            stream.streams = True
            stream.ask()
        until = time.perf_counter() + seconds
        times = self._paced(links, until, rate) if rate else self._at_once(links, until)
        if streamed:
            while stream.busy:
                list(self._replies(-1))
            stream.request = REQUEST
            stream.streams = False
        return times

    def _at_once(self, links: list[Link], until: float) -> list[float]:
        for link in links:
            link.ask()
        times: list[float] = []
        waiting = len(links)
        while waiting:
            for link in self._replies(-1):
                now = time.perf_counter()
                if link.streams:
                    if now < until:
                        link.ask()
                    continue
                times.append(now - link.sent)
                if now < until:
                    link.ask()
                else:
                    waiting -= 1
        return times

    def _paced(self, links: list[Link], until: float, rate: float) -> list[float]:
        times: list[float] = []
        asked: set[Link] = set()
        turn = 0
        due = time.perf_counter()
        while (now := time.perf_counter()) < until or asked:
            while due <= now < until:
                link = links[turn % len(links)]
                turn += 1
                due += 1 / rate
                if link not in asked:
                    asked.add(link)
                    link.ask()
            for link in self._replies(max(0.0, min(due, until) - now) if now < until else -1):
                now = time.perf_counter()
                if not link.streams:
                    times.append(now - link.sent)
                    asked.discard(link)
                elif now < until:
                    link.ask()
        return times

    def _replies(self, patience: float) -> Iterator[Link]:
        again, self._again = self._again, []
        ready = [self._links[fd] for fd, _ in self._epoll.poll(0 if again else patience)]
        for link in {*again, *ready} if again else ready:
            whole = link.read()
            if link.more:
                self._again.append(link)
            if whole:
                yield link

    def close(self) -> None:
        for link in self._links.values():
            link.close()
        self._links.clear()
