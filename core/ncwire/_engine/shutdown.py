"""How a connection ends: what failed, the one cause that counts, and when it is time."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from ncwire._interrupts import interruption, raise_interruption
from ncwire._protocol.last_words import error_message, stray_text, told
from ncwire._users_code import log_error
from ncwire.driver import LastWords
from ncwire.driver.forking import free_in_child
from ncwire.errors import (
    AuthenticationError,
    HelloMissingError,
    NcwireError,
    NetconfFramingError,
    SessionCloseError,
    TransportError,
)

if TYPE_CHECKING:
    from ncwire._engine.send_queue import SendQueue
    from ncwire._protocol.client import Protocol
    from ncwire.driver import Channel

logger = logging.getLogger(__name__)

_PATIENCE = 0.5
"""Seconds that a peer has to close after the end of its stream."""


class Shutdown:
    """A connection's end, from the first that speaks of it until the channel has been freed.

    It is asked to end with a `cause`, and what is queued is sent still; or it ends at once by a
    `failure`, which is the cause if there was none. Only the first of each counts. Every method
    but `fail` and `free`, which need the channel, may be called from any thread.
    """

    def __init__(self, channel: Channel, protocol: Protocol, send_queue: SendQueue) -> None:
        self._channel = channel
        self._protocol = protocol
        self._send_queue = send_queue
        self._lock = threading.RLock()
        self.failure: NcwireError | None = None
        self.cause: NcwireError | None = None
        self.flush_until = 0.0
        """Until when what is queued may still be sent, on the clock of `time.monotonic`."""
        self.freed = False
        self.stopped = False
        """Whether nothing is read or written any more: at its end, failed, or freed."""
        self.closes_until: float | None = None
        """Until when the peer is given time to close, after its stream has ended."""

    def begin(self, cause: NcwireError, flush: float = 0.0) -> bool:
        """End with this cause, after up to `flush` seconds for what is queued.

        False if there was a cause already.
        """
        with self._lock:
            if self.cause is not None:
                return False
            self.cause = cause
            self.flush_until = time.monotonic() + flush
        self._send_queue.stop()
        return True

    def fail(self, error: BaseException) -> None:
        """End at once: this error came out of the channel or the protocol."""
        with self._lock:
            if self.failure is None:
                self.failure = self._explained(error)
            self.stopped = True

    def stream_ended(self) -> None:
        """Note that the peer has ended its stream. It ends with that once the peer has closed.

        For what its program has said, and ended with, may come in between: OpenSSH's server sends
        the exit status when it has waited for the process (9.2, session.c), which is after the
        end of its output.
        """
        with self._lock:
            if self.cause is None and not self.stopped:
                self.stopped = True
                self.closes_until = time.monotonic() + _PATIENCE
                return
        self.fail(EOFError())

    def settle(self, cause: NcwireError) -> NcwireError:
        """Return the cause, which is this one if there was none."""
        with self._lock:
            self.cause = self.cause or cause
            return self.cause

    def due(self, now: float) -> NcwireError | None:
        """Return the cause if it is time to end."""
        if self.failure is None and self.cause is None:
            return None
        with self._lock:
            if self.failure is not None:
                self.cause = self.cause or self.failure
                return self.cause
            if self.cause is not None and (not self._send_queue.queue or now >= self.flush_until):
                return self.cause
            return None

    def raise_cause(self) -> None:
        """Raise the cause, or the failure that will be, if there is one."""
        cause = self.cause or self.failure
        if cause is not None:
            raise cause.with_traceback(None)

    def free(self, channel: Channel, cause: NcwireError) -> None:
        """Free the channel, in the way that the cause asks for."""
        self.freed = self.stopped = True
        try:
            if in_good_order(cause):
                channel.close()
            else:
                channel.abort()
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            if interruption(error) is not None:
                channel.abort()
                raise_interruption(error)
            log_error(logger, error, "the driver failed to free its channel")

    def leave(self, cause: NcwireError) -> None:
        """End with this cause where the threads are gone: the channel is not to be called."""
        free_in_child(self._lock)
        self.cause = self.cause or cause
        self.freed = self.stopped = True

    def _explained(self, error: BaseException) -> NcwireError:
        outside = interruption(error)
        if outside is not None:
            return _interrupted(outside)
        if isinstance(error, EOFError):
            if self._protocol.hello_received:
                return self._close_error(None)
            return HelloMissingError(
                _joined("hello: the server closed before it sent one", self._last_words())
            )
        # Under TLS 1.3 a server that refuses our certificate says so where its hello was due.
        own = isinstance(error, NetconfFramingError | AuthenticationError)
        if own or not isinstance(error, TransportError):
            return _from_driver(error)
        if self._protocol.hello_received:
            return self._close_error(error)
        # A server that closes with what we have sent unread is seen as failing by chance.
        missing = HelloMissingError(
            _joined(f"hello: the connection failed before it came: {error}", self._last_words())
        )
        missing.__cause__ = error
        return missing

    def _last_words(self) -> str:
        """Return what the peer has said, other than messages."""
        pending = self._protocol.pending()
        text = stray_text(pending) or error_message(pending.decode("utf-8", "replace"))
        try:
            words = self._channel.last_words()
        except Exception:
            logger.exception("the driver failed to tell the server's last words")
            words = LastWords()
        return told(text, words)

    def _close_error(self, error: Exception | None) -> SessionCloseError:
        reason = _joined("" if error is None else str(error), self._last_words())
        cause = SessionCloseError(
            self._protocol.pending(),
            self._send_queue.unsent() or None,
            reason=reason or None,
        )
        cause.__cause__ = error
        return cause


def _joined(what: str, words: str) -> str:
    return f"{what}; {words}" if what and words else what or words


def in_good_order(cause: NcwireError) -> bool:
    """Return whether the peer is told of an end with this cause."""
    return isinstance(cause, SessionCloseError) and cause.closed_by == "us"


def _from_driver(error: BaseException) -> NcwireError:
    if isinstance(error, NcwireError):
        return error
    reason = f"the driver raised {type(error).__name__}, which its contract forbids"
    cause = SessionCloseError(b"", closed_by="driver", reason=reason)
    cause.__cause__ = error
    return cause


def _interrupted(error: BaseException) -> NcwireError:
    reason = f"{type(error).__name__} in the middle of an rpc"
    cause = SessionCloseError(b"", closed_by="us", reason=reason)
    cause.__cause__ = error
    return cause
