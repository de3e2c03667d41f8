"""A tunnel: carries bytes between a jump host's channel to the next host and a socket."""

from __future__ import annotations

import logging
import math
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire._engine.home import Member
from ncwire._ssh.route.forwarder import Part
from ncwire.driver import Readiness, Wait, point_at_nothing, watch_forks
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.keepalive import Keepalive
    from ncwire._engine.loop import Loop
    from ncwire.driver import Channel

_log = logging.getLogger(__name__)

_AT_ONCE = 64 * 1024
"""The most that is held of what one side has sent and the other has not taken."""

_FAREWELL = 0.5
"""Seconds for the next host to end its connection once ours has ended. A jump host drops what it
has not passed on when we leave it (OpenSSH 9.2's sshd: at SSH_MSG_DISCONNECT), so we wait."""

_ROUNDS = 16
"""How often bytes are carried on before the other tunnels have their turn."""

_NOTHING = Wait(Readiness.NONE)
_EMPTY = memoryview(b"")


class Tunnel(Part):
    """Carries both ways until either side ends; what has come is delivered before the end is.

    Nothing is taken from one side while the other has no room. The channel and the socket are
    the tunnel's. `ended` is called once, with an account of it, when it was not the socket that
    ended first. Raises `TransportError` for a channel that is closed already.
    """

    def __init__(
        self,
        channel: Channel,
        sock: socket.socket,
        target: str,
        keepalive: Keepalive | None,
        ended: Callable[[str], None],
    ) -> None:
        sock.setblocking(False)
        self._channel = channel
        self._sock = sock
        self._target = target
        self._keepalive = keepalive
        self._ended = ended
        self._outbound = self._inbound = _EMPTY
        self._farewell_by = math.inf
        self._channel_over = False
        self._broken = False
        self._sock_over = False  # nothing more comes from it
        self._freed = False
        fd = channel.fileno()
        if fd < 0:
            raise TransportError("the tunnel is closed")
        self._far = _Side(fd, self._channel_wait, self._serve, self._crashed)
        self._near = _Side(sock.fileno(), self._sock_wait, self._serve, self._crashed)
        self._loop: Loop | None = None
        self._changed: Callable[[], None] = _nothing
        watch_forks(self)

    @property
    def is_open(self) -> bool:
        """Whether neither side has ended, or something is not delivered yet."""
        return not self._freed

    def begin(self, loop: Loop, changed: Callable[[], None]) -> None:
        """Have both sides served."""
        self._loop, self._changed = loop, changed
        self._channel.on_ready(lambda: loop.wake(self._far))
        loop.wake(self._far)
        loop.wake(self._near)

    def stop(self, loop: Loop) -> None:
        """Have neither side served."""
        loop.discard(self._far)
        loop.discard(self._near)

    def free(self, *, abrupt: bool) -> None:  # noqa: ARG002 - what could be carried has been
        """Free the channel, with the jump host's connection, and the socket."""
        if not self._freed:
            self._free(self._channel.abort)

    def abandon_in_child(self) -> None:
        """Leave the socket to the parent; the channel's driver sees to its own."""
        point_at_nothing(self._sock.fileno())

    def _serve(self, side: _Side, now: float) -> bool:
        loop = self._loop
        if loop is None:
            return False
        if self._freed:  # a wake that came late has added it anew
            loop.discard(side)
            return False
        more = self._carry(now)
        if self._is_done(now):
            self.stop(loop)
            self._free(self._channel.abort if self._broken else self._channel.close)
            self._changed()
            return False
        other = self._near if side is self._far else self._far
        if other.is_outdated():
            loop.wake(other)
        return more

    def _carry(self, now: float) -> bool:
        try:
            if not self._channel_over:
                self._channel.tick(now)
                self._keep_alive(now)
            for _ in range(_ROUNDS):
                progress = self._carry_out()
                # Reading comes after writing, which may have taken in what the peer sent.
                if not self._carry_in() and not progress:
                    return False
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            self._break(error)
        return True

    def _carry_out(self) -> bool:
        if not self._outbound:
            if self._sock_over or self._channel_over:
                return False
            data = self._receive()
            if data is None:
                return False
            self._outbound = memoryview(data)
            if not data:
                self._sock_over = True
                self._farewell_by = time.monotonic() + _FAREWELL
                return True
        taken = self._channel.write(self._outbound)
        self._outbound = self._outbound[taken:]
        return taken > 0

    def _carry_in(self) -> bool:
        if not self._inbound:
            data = None if self._channel_over else self._channel.read(_AT_ONCE)
            if data is None:
                return False
            if not data:
                self._over(f"the tunnel to {self._target} has ended")
            self._inbound = memoryview(data)
            return True
        sent = self._send()
        self._inbound = self._inbound[sent:]
        return sent > 0

    def _receive(self) -> bytes | None:
        try:
            return self._sock.recv(_AT_ONCE)
        except BlockingIOError:
            return None
        except OSError:  # a reset: closed by one who had not read all
            return b""

    def _send(self) -> int:
        try:
            return self._sock.send(self._inbound)
        except BlockingIOError:
            return 0
        except OSError:
            # It is not read any more. A library may have to read on all the same, to write.
            return len(self._inbound)

    def _keep_alive(self, now: float) -> None:
        if self._keepalive is None:
            return
        heard = self._channel.heard()
        if self._keepalive.is_dead(now, heard):
            raise TransportError(f"no answer to {self._keepalive.count} keepalives")
        if self._keepalive.ask(now, heard):
            self._channel.keepalive()

    def _break(self, error: BaseException) -> None:
        self._broken = True
        if isinstance(error, TransportError):
            self._over(str(error))
        else:
            self._over(f"the driver raised {type(error).__name__}, which its contract forbids")

    def _crashed(self, error: BaseException) -> None:
        self._break(error)
        if self._loop is not None:
            self.stop(self._loop)
        if not self._freed:
            self._free(self._channel.abort)
        self._changed()

    def _over(self, account: str) -> None:
        if self._channel_over:
            return
        self._channel_over = True
        self._outbound = _EMPTY
        if not self._sock_over:
            self._ended(account)

    def _is_done(self, now: float) -> bool:
        if self._channel_over:
            return not self._inbound
        return self._sock_over and not self._outbound and now >= self._farewell_by

    def _channel_wait(self) -> Wait:
        if self._channel_over:
            return _NOTHING
        try:
            wants = self._channel.wants()
            until = min(math.inf if wants.until is None else wants.until, self._farewell_by)
            if self._keepalive is not None:
                until = min(until, self._keepalive.due(self._channel.heard()))
        except BaseException as error:  # noqa: BLE001 - as in `_carry`
            self._break(error)
            return Wait(Readiness.NONE, 0.0)
        on = wants.on & ~Readiness.READ if self._inbound else wants.on
        return Wait(on, None if until == math.inf else until)

    def _sock_wait(self) -> Wait:
        on = Readiness.NONE
        if not (self._outbound or self._sock_over or self._channel_over):
            on |= Readiness.READ
        if self._inbound:
            on |= Readiness.WRITE
        return Wait(on)

    def _free(self, end: Callable[[], None]) -> None:
        self._freed = True
        # A copy of the fd, in a child that was forked, must not hide the end from the other side.
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        try:
            end()
        except BaseException:  # noqa: BLE001 - as in `_carry`
            _log.exception("the driver failed to free its channel")


class _Side(Member):
    """One of the two fds, as the loop sees it."""

    def __init__(
        self,
        fd: int,
        wait: Callable[[], Wait],
        serve: Callable[[_Side, float], bool],
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._fd = fd  # kept, for what is freed knows it no more
        self._wait = wait
        self._serve = serve
        self._crashed = crashed
        self._told = _NOTHING

    def fileno(self) -> int:
        return self._fd

    def wait(self) -> Wait:
        self._told = self._wait()
        return self._told

    def service(self, now: float) -> bool:
        return self._serve(self, now)

    def crashed(self, error: BaseException) -> None:
        self._crashed(error)

    def is_outdated(self) -> bool:
        """Return whether the loop was told to wait for something else, or for too long."""
        wait = self._wait()
        until = math.inf if wait.until is None else wait.until
        told = math.inf if self._told.until is None else self._told.until
        return wait.on != self._told.on or until < told


def _nothing() -> None:
    pass
