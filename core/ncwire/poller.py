"""Waiting for fds: epoll where there is one, or else what `selectors` finds.

`selectors` would do alone, at five times the cost for each event and each change.
"""

from __future__ import annotations

import math
import select
import selectors
from abc import ABC, abstractmethod
from contextlib import suppress

READ = select.POLLIN
WRITE = select.POLLOUT


class Poller(ABC):
    """Tells which of the fds that it watches are ready. Events are READ, WRITE, both or 0."""

    can_lend: bool
    """Whether `watch` takes effect at once while another thread is in `wait`."""

    @abstractmethod
    def watch(self, fd: int, events: int) -> None:
        """Watch an fd, or change what it is watched for. Raises OSError if it is not open."""

    @abstractmethod
    def forget(self, fd: int) -> None:
        """Watch it no more; nothing if it is not watched."""

    @abstractmethod
    def wait(self, seconds: float | None) -> list[int]:
        """Return the fds that are ready, after as many seconds at the latest."""

    @abstractmethod
    def close(self) -> None:
        """Free the poller's own fd."""


class EpollPoller(Poller):
    """Linux's epoll(7)."""

    can_lend = True

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()

    def watch(self, fd: int, events: int) -> None:
        """See `Poller.watch`. An fd that is watched for nothing still tells of a hang-up, once."""
        events = events or select.EPOLLONESHOT
        if fd in self._watched:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
            self._watched.add(fd)

    def forget(self, fd: int) -> None:
        """See `Poller.forget`."""
        self._watched.discard(fd)
        with suppress(OSError, ValueError):  # closed, or dup2 made it something else
            self._epoll.unregister(fd)

    def wait(self, seconds: float | None) -> list[int]:
        """See `Poller.wait`."""
        # Up to the next millisecond: one too early would be a turn for nothing.
        patience = -1 if seconds is None else math.ceil(seconds * 1000) / 1000
        return [fd for fd, _ in self._epoll.poll(patience)]

    def close(self) -> None:
        """See `Poller.close`."""
        self._epoll.close()


class SelectorPoller(Poller):
    """What `selectors` finds: kqueue or poll."""

    can_lend = False

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

    def wait(self, seconds: float | None) -> list[int]:
        """See `Poller.wait`."""
        return [key.fd for key, _ in self._selector.select(seconds)]

    def close(self) -> None:
        """See `Poller.close`."""
        self._selector.close()


def best_poller() -> Poller:
    """Return a new poller of the best kind that the platform has."""
    return EpollPoller() if hasattr(select, "epoll") else SelectorPoller()
