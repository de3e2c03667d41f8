"""Waiting for fds: epoll where there is one, or else what `selectors` finds.

`selectors` would do alone, at five times the cost for each event and each change.
"""

from __future__ import annotations

import errno
import select
import selectors
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 86400.0
"""The most seconds of one wait: epoll and poll count milliseconds in an int."""
READ = select.POLLIN
WRITE = select.POLLOUT


class Poller(ABC):
    """Tells which of the fds that it watches are ready. Events are READ, WRITE, both or 0."""

    exclusive: bool
    """Whether an fd that is watched for READ alone is told of by one poller only.

    Of several such pollers that watch it, that is the first that is in `wait` just then, in the
    order of their calls of `watch`.
    """

    @abstractmethod
    def watch(self, fd: int, events: int) -> None:
        """Watch an fd, or change what it is watched for. Raises OSError if it is not open."""

    @abstractmethod
    def forget(self, fd: int) -> None:
        """Watch it no more; nothing if it is not watched."""

    @abstractmethod
    def wait(self, seconds: float | None) -> list[tuple[int, int]]:
        """Return the fds that are ready, each with what the platform says of it.

        After as many seconds at the latest, which are not negative, or up to a millisecond more;
        or after a day.
        """

    @abstractmethod
    def fileno(self) -> int:
        """Return the poller's own fd, which can be read from when one that it watches is ready.

        Raises NotImplementedError where it has none.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the poller's own fd."""


class EpollPoller(Poller):
    """Linux's epoll(7)."""

    def __init__(self, *, exclusive: bool = False) -> None:
        self.exclusive = exclusive
        self._epoll = select.epoll()
        self._watched: dict[int, int] = {}

    def watch(self, fd: int, events: int) -> None:
        """See `Poller.watch`. An fd that is watched for nothing still tells of a hang-up, once."""
        if self.exclusive and events == READ:
            events |= select.EPOLLEXCLUSIVE
        events = events or select.EPOLLONESHOT
        before = self._watched.get(fd, 0)
        if (before | events) & select.EPOLLEXCLUSIVE and before:
            # The kernel changes none that is exclusive, and forgets by itself what was closed.
            with suppress(FileNotFoundError):
                self._epoll.unregister(fd)
            del self._watched[fd]
            before = 0
        if not before:
            self._register(fd, events)
        else:
            try:
                self._epoll.modify(fd, events)
            except FileNotFoundError:  # closed meanwhile, and its number is another's now
                self._register(fd, events)
        self._watched[fd] = events

    def forget(self, fd: int) -> None:
        """See `Poller.forget`."""
        self._watched.pop(fd, None)
        with suppress(OSError, ValueError):  # closed, or dup2 made it something else
            self._epoll.unregister(fd)

    def wait(self, seconds: float | None) -> list[tuple[int, int]]:
        """See `Poller.wait`."""
        return self._epoll.poll(None if seconds is None else min(seconds, _LONGEST))

    def fileno(self) -> int:
        """See `Poller.fileno`."""
        return self._epoll.fileno()

    def close(self) -> None:
        """See `Poller.close`."""
        self._epoll.close()

    def _register(self, fd: int, events: int) -> None:
        try:
            self._epoll.register(fd, events)
        except OSError as error:
            # An epoll's own fd cannot be exclusive: all are told of it.
            if error.errno != errno.EINVAL or not events & select.EPOLLEXCLUSIVE:
                raise
            self._epoll.register(fd, events & ~select.EPOLLEXCLUSIVE)


class SelectorPoller(Poller):
    """What `selectors` finds: kqueue or poll."""

    exclusive = False

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, events: int) -> None:
        """See `Poller.watch`."""
        self.forget(fd)
        wanted = (selectors.EVENT_READ if events & READ else 0) | (
            selectors.EVENT_WRITE if events & WRITE else 0
        )
        if wanted:
            self._selector.register(fd, wanted)

    def forget(self, fd: int) -> None:
        """See `Poller.forget`."""
        with suppress(KeyError):
            self._selector.unregister(fd)

    def wait(self, seconds: float | None) -> list[tuple[int, int]]:
        """See `Poller.wait`."""
        seconds = None if seconds is None else min(seconds, _LONGEST)
        return [(key.fd, events) for key, events in self._selector.select(seconds)]

    def fileno(self) -> int:
        """See `Poller.fileno`."""
        fileno: Callable[[], int] | None = getattr(self._selector, "fileno", None)
        if fileno is None:
            raise NotImplementedError("poll has no fd")
        return fileno()

    def close(self) -> None:
        """See `Poller.close`."""
        self._selector.close()


def best_poller(*, exclusive: bool = False) -> Poller:
    """Return a new poller of the best kind that the platform has, exclusive if it can be."""
    return EpollPoller(exclusive=exclusive) if hasattr(select, "epoll") else SelectorPoller()
