"""Sending a message in pieces, as the peer takes them."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ncwire.errors import BrokenMessageError, NcwireError, SendQueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

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
        with _unbroken(shutdown):
            while buffer is not None:
                send_queue.put(buffer)
                serve()
                if not send_queue.await_room(seconds):
                    raise BrokenMessageError(
                        "send: a message in pieces was broken off: the peer has taken too "
                        f"little of it for {seconds:g} s"
                    )
                shutdown.raise_cause()
                buffer = next(buffers, None)
    finally:
        # No call stands before the assignment: an interrupt would come right after it.
        if send_queue.owner == here:
            send_queue.owner = None
            send_queue.admit()


@contextmanager
def _unbroken(shutdown: Shutdown) -> Generator[None]:
    """End the connection if what happens inside, in the middle of a message, fails."""
    try:
        yield
    except BrokenMessageError as error:
        shutdown.begin(error)
        raise
    except BaseException as error:
        text = "send: a message in pieces was broken off"
        told = str(error) if isinstance(error, NcwireError) else type(error).__name__
        cause = BrokenMessageError(f"{text}: {told}")
        cause.__cause__ = error
        if shutdown.failure is None:
            shutdown.begin(cause)
        raise
