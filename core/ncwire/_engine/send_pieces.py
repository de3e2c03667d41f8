"""Sending a message in pieces, as the peer takes them."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ncwire.errors import BrokenMessageError, NcwireError, SendQueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ncwire._engine.send_queue import Outbox
    from ncwire._engine.shutdown import Ending


def send_pieces(
    buffers: Iterator[bytes | memoryview],
    seconds: float,
    outbox: Outbox,
    ending: Ending,
    serve: Callable[[], None],
) -> None:
    """Queue a framed message piece by piece, and `serve` the connection after each.

    Raises as `Connection.send_pieces` does; the caller wakes the pump in any case.
    """
    buffer = next(buffers, None)
    here = threading.get_ident()
    try:
        if not outbox.begin(time.monotonic() + seconds):
            ending.raise_cause()
            raise SendQueueFullError(outbox.queued(), seconds)
        with _unbroken(ending):
            while buffer is not None:
                outbox.put(buffer)
                serve()
                if not outbox.await_room(seconds):
                    raise BrokenMessageError(
                        "send: a message in pieces was broken off: the peer has taken too "
                        f"little of it for {seconds:g} s"
                    )
                ending.raise_cause()
                buffer = next(buffers, None)
    finally:
        # No call stands before the assignment: an interrupt would come right after it.
        if outbox.owner == here:
            outbox.owner = None
            outbox.admit()


@contextmanager
def _unbroken(ending: Ending) -> Generator[None]:
    """End the connection if what happens inside, in the middle of a message, fails."""
    try:
        yield
    except BrokenMessageError as error:
        ending.begin(error)
        raise
    except BaseException as error:
        text = "send: a message in pieces was broken off"
        told = str(error) if isinstance(error, NcwireError) else type(error).__name__
        cause = BrokenMessageError(f"{text}: {told}")
        cause.__cause__ = error
        if ending.failure is None:
            ending.begin(cause)
        raise
