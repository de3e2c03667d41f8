"""Whose turn it is: calls that wait for their handshake, fair to every source address."""

from __future__ import annotations

import ipaddress
from collections import Counter, deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire._ssh.route.sockets import Address
    from ncwire.driver.deadline import Deadline

_IPV4 = 4
_SITE = 64
"""A site that has one IPv6 address usually has all of its /64 (RFC 6177)."""


def source_of(address: Address) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 address."""
    host = address.sockaddr[0]
    ip = ipaddress.ip_address(host.partition("%")[0])
    if ip.version == _IPV4:
        return host
    return str(ipaddress.ip_network((int(ip), _SITE), strict=False))


class Waiting(Protocol):
    """What the waiting room wants to know of a call."""

    @property
    def source(self) -> str:
        """What counts as one source: see `source_of`."""

    @property
    def deadline(self) -> Deadline:
        """When it has waited too long; one that came later has a later one."""


CallT = TypeVar("CallT", bound=Waiting)


class FairQueue(Generic[CallT]):
    """The calls that wait, and of each source the number that are being answered.

    There are `places` to wait; when they do not suffice, the source with the most waiting loses
    its newest, so that a flood drowns in itself. A source has at most `share` answered at one
    time, and the next in turn is of the source with the fewest, so that one that is slow, or
    hostile, leaves room for the others. For one thread.
    """

    def __init__(self, places: int, share: int) -> None:
        self._places = places
        self._share = share
        self._waiting: dict[str, deque[CallT]] = {}
        self._answering: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[CallT]:
        for calls in self._waiting.values():
            yield from calls

    def admit(self, call: CallT) -> None:
        """Let a call wait for its turn, as long as `left_out` does not say otherwise."""
        self._waiting.setdefault(call.source, deque()).append(call)

    def left_out(self) -> list[CallT]:
        """Return the calls for which there is no place, and let them wait no more."""
        left_out = []
        while len(self) > self._places:
            # Among equals, whose newest has come last.
            source = max(
                self._waiting, key=lambda each: (len(self._waiting[each]), self._last(each))
            )
            left_out.append(self._drop_newest(source))
        return left_out

    def next(self) -> CallT | None:
        """Return the call whose turn it is, and count it as being answered; None if none is."""
        candidates = [source for source in self._waiting if self._answering[source] < self._share]
        if not candidates:
            return None
        # Among equals, whose first call has waited longest.
        source = min(
            candidates,
            key=lambda each: (self._answering[each], self._waiting[each][0].deadline.at),
        )
        self._answering[source] += 1
        return self._pop_oldest(source)

    def answered(self, call: CallT) -> None:
        """Count a call as being answered no more."""
        self._answering[call.source] -= 1
        if not self._answering[call.source]:
            del self._answering[call.source]

    def due(self) -> float | None:
        """Return when the first call will have waited too long (`time.monotonic`)."""
        return min(map(self._first, self._waiting), default=None)

    def expired(self, now: float) -> list[CallT]:
        """Return the calls that have waited too long, and let them wait no more."""
        expired = []
        for source in list(self._waiting):
            while source in self._waiting and self._first(source) <= now:
                expired.append(self._pop_oldest(source))
        return expired

    def _first(self, source: str) -> float:
        return self._waiting[source][0].deadline.at

    def _last(self, source: str) -> float:
        return self._waiting[source][-1].deadline.at

    def _pop_oldest(self, source: str) -> CallT:
        calls = self._waiting[source]
        call = calls.popleft()
        if not calls:
            del self._waiting[source]
        return call

    def _drop_newest(self, source: str) -> CallT:
        calls = self._waiting[source]
        call = calls.pop()
        if not calls:
            del self._waiting[source]
        return call
