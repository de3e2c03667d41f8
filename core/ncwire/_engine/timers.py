"""What a connection waits for: what its channel wants, keepalives, and the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.driver import Channel, Readiness, Wait
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from ncwire._engine.keepalive import Keepalive
    from ncwire._engine.shutdown import Shutdown
    from ncwire._protocol.client import Protocol


class Timers:
    """A channel's own timers, and ours for it. Every method needs the channel."""

    def __init__(
        self, channel: Channel, protocol: Protocol, shutdown: Shutdown, keepalive: Keepalive | None
    ) -> None:
        self._channel = channel
        self._protocol = protocol
        self._shutdown = shutdown
        self._keepalive = keepalive
        self._ticks = type(channel).tick is not Channel.tick
        self.any = self._ticks or keepalive is not None
        """Whether there is anything for `fire` and `check_alive` to do, as far as is known yet."""
        self.has_keepalive = keepalive is not None
        """Whether there is anything to wait for but what the channel wants, likewise."""

    def set_keepalive(self, keepalive: Keepalive | None) -> None:
        """Keep alive by this policy from now on. The one method that does not need the channel."""
        current = self._keepalive
        if current is None or keepalive is None:
            self._keepalive = keepalive
        else:
            # Not in its place: who sets it more often than it asks would never find a dead peer.
            current.change(keepalive.interval, keepalive.count)

    def fire(self, now: float) -> None:
        """Do what is due: comes before sending. Raises what the channel does."""
        if self._ticks:
            self._channel.tick(now)
        keepalive = self._keepalive
        if keepalive is None or self._is_paused():
            return
        if keepalive.ask(now, self._channel.heard()):
            self._channel.keepalive()

    def check_alive(self, now: float) -> None:
        """End the connection if the peer is dead: comes after reading, which may tell."""
        keepalive = self._keepalive
        # Who does not read cannot tell whether the peer lives.
        if keepalive is None or self._shutdown.stopped or self._is_paused():
            return
        heard = self._channel.heard()
        if keepalive.is_dead(now, heard):
            silence = f"no answer to {keepalive.count} keepalives, and nothing else, "
            self._shutdown.fail(TransportError(f"{silence}for {now - heard:.1f} s"))

    def wait(self) -> Wait:
        """Return what the channel wants, and no later than our own timers."""
        wants = self._channel.wants()
        if self._is_paused():
            # The peer stops by itself when its window is used up.
            wants = Wait(wants.on & ~Readiness.READ, wants.until)
        timers = [] if wants.until is None else [wants.until]
        keepalive = self._keepalive  # once: another thread may set it meanwhile
        if keepalive is not None and not self._is_paused():
            timers.append(keepalive.due(self._channel.heard()))
        if self._shutdown.cause is not None:
            timers.append(self._shutdown.flush_until)
        return Wait(wants.on, min(timers, default=None))

    def _is_paused(self) -> bool:
        inlet = self._protocol.inlet
        # At the end we read on in any case, to see the peer's.
        return inlet is not None and inlet.full and self._shutdown.cause is None
