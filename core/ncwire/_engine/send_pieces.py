"""Sending a message in pieces, as the peer takes them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Never

from ncwire.errors import BrokenMessageError, NcwireError, SendQueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ncwire._engine.send_queue import SendQueue
    from ncwire._engine.shutdown import Shutdown


def send_pieces(
    buffers: Iterator[bytes | memoryview],
    seconds: float,
    send_queue: SendQueue,
    shutdown: Shutdown,
    serve: Callable[[], None],
) -> None:
    """Queue a framed message piece by piece, and `serve` the connection after each.

    Raises as `Connection.send_pieces` does; the caller wakes the loop in any case.
    """
    buffer = next(buffers, None)
    here = threading.get_ident()
    try:
        if not send_queue.begin(time.monotonic() + seconds):
            shutdown.raise_cause()
            raise SendQueueFullError(send_queue.queued(), seconds)
        try:
            while buffer is not None:
                send_queue.put(buffer)
                serve()
                if not send_queue.await_room(seconds):
                    _raise_for_too_little(seconds)
                shutdown.raise_cause()
                buffer = next(buffers, None)
        except BaseException as error:
            # Not in a context manager made of a generator: an interrupt on the way into that would
            # be told as its GeneratorExit, of a message of which nothing was queued yet.
            if shutdown.failure is None:
                shutdown.begin(broken_off(error))
            raise
    finally:
        # No call stands before the assignment: an interrupt would come right after it.
        if send_queue.owner == here:
            send_queue.owner = None
            send_queue.admit()


def _raise_for_too_little(seconds: float) -> Never:
    raise too_little(seconds)


def too_little(seconds: float) -> BrokenMessageError:
    """Return the error that says that the peer has taken too little for so long."""
    return BrokenMessageError(
        "send: a message in pieces was broken off: the peer has taken too little of it for "
        f"{seconds:g} s"
    )


def broken_off(error: BaseException) -> BrokenMessageError:
    """Return the cause of a connection's end whose message has failed in its middle."""
    if isinstance(error, BrokenMessageError):
        return error
    told = str(error) if isinstance(error, NcwireError) else type(error).__name__
    cause = BrokenMessageError(f"send: a message in pieces was broken off: {told}")
    cause.__cause__ = error
    return cause
