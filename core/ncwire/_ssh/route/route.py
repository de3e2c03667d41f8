"""The route: what lies between us and a host, for as long as the session's channel is there."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ncwire._engine.keepalive import Keepalive
from ncwire._ssh.route.forwarder import Forwarder
from ncwire._ssh.route.proxy_command import ProxyCommand
from ncwire._ssh.route.tunnel import Tunnel
from ncwire.driver import Channel, Forkable, Proxy, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.errors import (
    HandshakeError,
    SSHError,
    TLSError,
    TLSHandshakeError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ncwire._ssh.route.forwarder import Part
    from ncwire.driver import ConnectOptions, LastWords, Wait

_log = logging.getLogger(__name__)

_END_PATIENCE = 2.5
"""Seconds that closing waits for what is to be freed at once, or nearly: see `Forwarder.end`."""

_EXIT_PATIENCE = 0.05
"""Seconds by which the end of a process may be noticed later than that of its output."""


class Route(Forkable):
    """The tunnels through jump hosts and the ProxyCommand of one session; empty for plain TCP.

    Built from our end on: each piece is carried by the one before. `close` and `abort` may be
    called from any thread, at any time; what is built afterwards fails, and is freed.
    `linger`: how many seconds what is on its way may take at `close`.
    """

    def __init__(self, linger: float) -> None:
        self._linger = linger
        self._lock = threading.RLock()
        self._forwarder: Forwarder | None = None
        self._command: ProxyCommand | None = None
        self._account = ""
        self._closed = False
        watch_forks(self)

    def through_command(self, command: str) -> socket.socket:
        """Return a socket to the host at the other end of a ProxyCommand."""
        process = ProxyCommand(command)
        try:
            self._add(process)
        except BaseException:
            process.sock.close()
            raise
        self._command = process
        return process.sock

    def through_tunnel(
        self, channel: Channel, hop: str, target: str, options: ConnectOptions
    ) -> socket.socket:
        """Return a socket to the host at the other end of a jump host's channel.

        The channel is the route's from here on; `hop` and `target` are names for errors,
        `options` are the jump host's.
        """
        ours, theirs = socket.socketpair()
        keepalive = None
        if options.keepalive:
            keepalive = Keepalive(options.keepalive, options.keepalive_count)
        try:
            self._add(
                Tunnel(channel, theirs, target, keepalive, lambda text: self._note(hop, text))
            )
        except BaseException:
            ours.close()
            theirs.close()
            channel.abort()
            raise
        return ours

    def carry(self, channel: Channel) -> Channel:
        """Return the channel to the host as one that frees the route too, if there is any."""
        return channel if self._forwarder is None else RoutedChannel(channel, self)

    def account(self) -> str:
        """Tell what of the route has ended, the first of it; "" when nothing has."""
        if self._command is not None:
            how = self._command.account(_EXIT_PATIENCE)
            if how:
                return how
        return self._account

    @contextmanager
    def accounted_for(self) -> Generator[None]:
        """Have errors of the connection tell what of the route has ended, if that is why."""
        try:
            yield
        except TransportError as error:
            # Others than these say for themselves what was wrong with the host.
            if type(error) not in (SSHError, HandshakeError, TLSError, TLSHandshakeError):
                raise
            account = self.account()
            if not account:
                raise
            raise type(error)(f"{error}; {account}") from error

    def close(self) -> None:
        """Free everything, once what was sent has been carried on as far as that goes in time."""
        self._end(self._linger)

    def abort(self) -> None:
        """Free everything at once. Idempotent, also after `close`."""
        self._end(0.0)

    def abandon_in_child(self) -> None:
        """Leave all to the parent; see `Forkable`. What is closed here is closed already."""
        free_in_child(self._lock)
        self._closed = True

    def _add(self, part: Part) -> None:
        try:
            forwarder = self._started_forwarder()
        except BaseException:
            part.free(abrupt=True)
            raise
        forwarder.add(part)

    def _started_forwarder(self) -> Forwarder:
        with self._lock:
            if self._closed:
                raise TransportError("the route to the host is closed")
            if self._forwarder is None:
                self._forwarder = Forwarder()
            return self._forwarder

    def _end(self, linger: float) -> None:
        with self._lock:
            self._closed = True
            forwarder = self._forwarder
        if forwarder is not None:
            forwarder.end(linger, _END_PATIENCE)

    def _note(self, hop: str, text: str) -> None:
        account = f"jump host {hop}: {text}"
        _log.debug("%s", account)
        # What ends because of it ends later, on the same thread.
        self._account = self._account or account


class RouteProxy(Proxy):
    """The command of a route, for a driver that connects by itself."""

    def __init__(self, route: Route, command: str) -> None:
        self._route = route
        self._command = command

    def open(self) -> socket.socket:
        """See `Proxy.open`."""
        return self._route.through_command(self._command)

    def account(self) -> str:
        """See `Proxy.account`."""
        return self._route.account()


class RoutedChannel(Channel):
    """A channel to a host behind a route, which it owns."""

    def __init__(self, channel: Channel, route: Route) -> None:
        self.info = channel.info
        self.native = channel.native
        self.write_may_read = channel.write_may_read
        self._channel = channel
        self._route = route

    def fileno(self) -> int:
        """Return the channel's fd."""
        return self._channel.fileno()

    def wants(self) -> Wait:
        """Return what the channel waits for."""
        return self._channel.wants()

    def read(self, size: int) -> bytes | None:
        """Return what has come; an end that was the route's is an error that says so."""
        try:
            data = self._channel.read(size)
        except TransportError as error:
            account = self._route.account()
            if not account:
                raise
            raise SSHError(account) from error
        if data == b"":
            account = self._route.account()
            if account:
                raise SSHError(account)
        return data

    def write(self, data: memoryview) -> int:
        """Have the channel take what it takes."""
        return self._channel.write(data)

    def tick(self, now: float) -> None:
        """Do what the library needs done."""
        self._channel.tick(now)

    def heard(self) -> float:
        """Return when the host, and not merely the route, last sent anything."""
        return self._channel.heard()

    def keepalive(self) -> None:
        """Ask the host for an answer."""
        self._channel.keepalive()

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Have the channel tell of progress."""
        self._channel.on_ready(wake)

    def finish(self) -> bool:
        """Have the channel say that nothing more is written; return whether the host has closed.

        The route carries on meanwhile, and stands until `close`.
        """
        return self._channel.finish()

    def last_words(self) -> LastWords:
        """Return what the host has said beside the stream."""
        return self._channel.last_words()

    def close(self) -> None:
        """Close and free the channel, and then the route, which carries the channel's close."""
        try:
            self._channel.close()
        finally:
            self._route.close()

    def abort(self) -> None:
        """Free the channel and the route."""
        try:
            self._channel.abort()
        finally:
            self._route.abort()
