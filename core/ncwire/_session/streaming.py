"""Replies that are handed over as they come, in constant memory."""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from ncwire._engine.outcome import Outcome
from ncwire._one_process import OneProcess
from ncwire._protocol.client import Inlet
from ncwire._session.pending import Awaited
from ncwire.driver.forking import is_free
from ncwire.errors import OptionError, RPCTimeoutError, SessionError

if TYPE_CHECKING:
    from types import TracebackType

    from ncwire._engine.connection import Connection
    from ncwire._session.listeners import Root
    from ncwire._session.reply import Reply
    from ncwire.errors import NcwireError

HELD = 2**20
"""How many bytes of a reply may wait for its reader before the peer is read from no more."""


class BinaryFile(Protocol):
    """What can be written to: an open binary file, or anything alike."""

    def write(self, data: bytes, /) -> object:
        """Take bytes. Where it returns a smaller count than it was given, it is given the rest."""


Sink = Callable[[bytes], object] | BinaryFile


class StreamedReply(NamedTuple):
    """A reply that went to a sink: its root's name and attributes, and its size in bytes."""

    root: Root
    message_id: str | None
    size: int


class Streamed(Awaited, Outcome, Inlet):
    """A reply on its way from whichever thread reads the channel to the one that wants it.

    None of the user's code is run here, and no thread waits but in `wait`.
    """

    anywhere = True

    def __init__(self) -> None:
        self.done = False
        self.wanted = True
        self.ended = False
        """Whether nothing more comes: it is complete, or there is a `cause`."""
        self.cause: Exception | None = None
        self.begun = False
        self.root: Root = ("", {})
        self.message_id: str | None = None
        self.dropped: Callable[[], None] | None = None
        """Called when no more of it is wanted, with no lock held; for who observes the session."""
        self._pieces: list[bytes] = []
        self._held = 0
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def begin(self, root: Root, message_id: str | None) -> Inlet:
        """See `Awaited.begin`."""
        self.root, self.message_id = root, message_id
        self.begun = True
        return self

    @property
    def full(self) -> bool:
        """See `Inlet.full`."""
        return self._held >= HELD

    def put(self, pieces: list[bytes]) -> None:
        """See `Inlet.put`."""
        with self._lock:
            if self.wanted:
                self._pieces += pieces
                self._held += sum(map(len, pieces))
                self._tell()

    def finish(self) -> None:
        """See `Inlet.finish`."""
        with self._lock:
            self.ended = True
            self._tell()

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`: take a reply that has come whole."""
        self.begin(reply.root, reply.message_id)
        self.put([reply.raw.encode()])
        self.finish()
        return self.wanted

    def fail(self, cause: Exception) -> None:
        """See `Awaited.fail`. What has come can still be taken."""
        with self._lock:
            if not self.ended:
                self.ended = True
                self.cause = cause
                self._tell()

    def wait(self, seconds: float) -> None:
        """See `Outcome.wait`."""
        with self._lock:
            self._changed.wait_for(lambda: self.done, max(0.0, seconds))

    def take(self) -> tuple[list[bytes], bool]:
        """Return what has come since the last call, and whether the peer was kept waiting."""
        with self._lock:
            pieces, self._pieces = self._pieces, []
            was_full, self._held = self.full, 0
            self.done = self.ended
        return pieces, was_full

    def drop(self) -> None:
        """Want no more of it: what has come is dropped, and what is still to come."""
        with self._lock:
            self.wanted = False
            self._pieces = []
            self._held = 0
            self._tell()
        if self.dropped is not None and not self.ended:
            self.dropped()

    def leave(self, cause: NcwireError) -> None:
        """See `Awaited.leave`."""
        if not is_free(self._lock):
            self._lock = threading.RLock()
            self._changed = threading.Condition(self._lock)
        self.fail(cause)

    def _tell(self) -> None:
        self.done = True
        self._changed.notify_all()


class ReplyStream(OneProcess):
    """A reply that is read while it comes: an iterator of `bytes`, and a file to parsers.

    Together they are the document as the server sent it, from the first byte of its XML to the
    last, without the framing. It is neither decoded nor parsed: whether it is UTF-8, and what a
    DOCTYPE declares, is for the reader to see. `root` is its root's name and attributes, `size`
    what was handed over.

    At most a few megabytes wait here to be read; then the channel is no longer read from, and the
    server stops by itself. All other messages of the session wait as long, for they come behind
    the reply on the same channel. To end early call `close`, or leave the `with` block: the rest
    is received and dropped, and the session goes on with what follows.

    For one thread at a time, but not necessarily the one that sent the rpc.
    """

    def __init__(self, connection: Connection, streamed: Streamed, request: Request) -> None:
        self._connection = connection
        self._streamed = streamed
        self._request = request
        self._pieces: deque[bytes] = deque()
        self._closed = False
        self.root = streamed.root
        self.message_id = streamed.message_id
        self.size = 0

    def __iter__(self) -> Self:
        return self

    @property
    def ready(self) -> bool:
        """Whether the next piece, the end, or an error is there, so that `next` does not wait."""
        return bool(self._pieces) or self._closed or self._streamed.done

    def __next__(self) -> bytes:
        """Return the next piece of the document, never an empty one.

        Raises the session's cause when it ends before the reply does, after everything that had
        come; `RPCTimeoutError` when nothing came for the rpc's `timeout`, counted while this
        waits; `SessionError` after `close`.
        """
        while not self._pieces:
            self._check_open()
            if not self._receive():
                raise StopIteration
        piece = self._pieces.popleft()
        self.size += len(piece)
        return piece

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, b"" at the reply's end only; everything for -1.

        So that parsers take it for a file, as `xml.etree.ElementTree.iterparse` does. Raises
        what the iteration does.
        """
        if size < 0:
            return b"".join(self)
        piece = next(self, b"")
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
            self.size -= len(piece) - size
        return piece[:size]

    def close(self) -> None:
        """Want no more of the reply. Idempotent, and from any thread."""
        self._closed = True
        if not self._streamed.ended:
            self._streamed.drop()
            self._connection.resume()
        self._pieces.clear()

    def _receive(self) -> bool:
        streamed = self._streamed
        if not streamed.done:
            self._connection.call(None, streamed, time.monotonic() + self._request.seconds)
            self._check_open()
        pieces, was_full = streamed.take()
        if was_full:
            self._connection.resume()
        self._pieces.extend(pieces)
        if pieces or streamed.done:
            self._raise_cause()
            return bool(pieces)
        self.close()
        raise self._request.late(self.size)

    def _check_open(self) -> None:
        if self._closed:
            raise SessionError(f"rpc {self._request.message_id}: the stream is closed")

    def _raise_cause(self) -> None:
        cause = self._streamed.cause
        if cause is not None and not self._pieces:
            self._closed = True
            number = f"{self.size} bytes of the reply to rpc {self._request.message_id}"
            cause = cause.with_traceback(None)
            cause.add_note(f"{number} had come, and were handed over")
            raise cause

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Request(NamedTuple):
    """An rpc whose reply is streamed, and how long it waits for more of it, in seconds."""

    message_id: str
    seconds: float
    hint: Callable[[], str]
    """Returns what may explain that none has begun to come."""

    def late(self, received: int) -> RPCTimeoutError:
        """Return the error that says that nothing came in time."""
        hint = "" if received else self.hint()
        return RPCTimeoutError(self.message_id, self.seconds, received, hint=hint)


def begun(connection: Connection, streamed: Streamed, request: Request) -> ReplyStream:
    """Return the stream of a reply that begins to come.

    Raises `RPCTimeoutError` when it does not, and the session's cause when it never will.
    """
    if not streamed.done:
        streamed.drop()
        raise request.late(0)
    if streamed.cause is not None and not streamed.begun:
        raise streamed.cause.with_traceback(None)
    return ReplyStream(connection, streamed, request)


def writer(sink: Sink) -> Callable[[bytes], object]:
    """Return what hands bytes to a sink. Raises `OptionError` for what is none."""
    write = getattr(sink, "write", None)
    if isinstance(sink, io.TextIOBase):
        raise OptionError("sink", "is a text file; open it in binary mode")
    if callable(write):
        return _Writer(write, raw=isinstance(sink, io.RawIOBase))
    if callable(sink):
        return sink
    raise OptionError("sink", "is neither callable nor a binary file")


def pour(stream: ReplyStream, write: Callable[[bytes], object]) -> StreamedReply:
    """Write a whole reply to a sink. Raises what either of them does; the rest is dropped."""
    with stream:
        for piece in stream:
            write(piece)
    return StreamedReply(stream.root, stream.message_id, stream.size)


class _Writer:
    """Writes everything, whatever the file takes at once."""

    def __init__(self, write: Callable[[bytes], object], *, raw: bool) -> None:
        self._write = write
        self._raw = raw

    def __call__(self, data: bytes) -> None:
        while True:
            taken = self._write(data)
            if taken is None and self._raw:
                raise BlockingIOError("the sink would block: it is a raw file in that mode")
            if not isinstance(taken, int) or taken >= len(data):
                return
            if taken <= 0:
                raise OSError(f"the sink took {taken} of {len(data)} bytes")
            data = data[taken:]
