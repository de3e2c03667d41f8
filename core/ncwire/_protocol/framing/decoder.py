"""What the decoders of both framings have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NoReturn

from ncwire._protocol.framing.document import Document
from ncwire.errors import MessageSizeError, NetconfFramingError

if TYPE_CHECKING:
    from collections.abc import Callable

EXCERPT = 40


class Decoder(ABC):
    """Takes a stream apart into messages.

    `max_message` is the limit of a message, in bytes, and can be changed between messages;
    `offset` is how much of the peer's stream has been consumed, and tells in errors where.
    """

    def __init__(self, max_message: int, offset: int) -> None:
        self.max_message = max_message
        self.unfinished = Document()
        """What has been taken in of the next message, without its framing."""
        self.may_exceed: Callable[[], bool] = _never
        """Asked when the unfinished message is larger than the limit: whether that is right."""
        self.offset = offset
        self._failure: NetconfFramingError | None = None

    @abstractmethod
    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes, which are the caller's again afterwards.

        Never raises for what they are; after an error they are dropped.
        """

    @abstractmethod
    def take_whole(self, data: bytes) -> bytes | None:
        """Take in a read that is one message and nothing else, as most are, and return it.

        None if it is not, or not plainly, or if anything from before it is left: it has not been
        taken in then, and is to be given to `receive`.
        """

    @abstractmethod
    def next_document(self) -> bytes | Document | None:
        """Return the next whole message, without its framing, or None when more is needed.

        A large one that came in several reads is a `Document`. Raises `NetconfFramingError` at
        the first byte that breaks the framing, and `MessageSizeError` as soon as a limit is
        exceeded for certain; every message before it is returned first. Nothing can be decoded
        after an error: it is raised again.
        """

    def next_message(self) -> bytes | None:
        """Return what `next_document` does, in one piece."""
        document = self.next_document()
        return document if document is None or isinstance(document, bytes) else document.join()

    @abstractmethod
    def pending(self) -> bytes:
        """Return what has arrived and is no part of a message that was returned.

        Framing that has been consumed is left out, except that of a message of which nothing
        else has arrived: empty means that the stream stands between two messages.
        """

    def _check_size(self, size: int) -> None:
        if size > self.max_message and not self.may_exceed():
            self._fail(MessageSizeError("message", self.max_message))

    def _fail(self, error: NetconfFramingError) -> NoReturn:
        self._failure = error
        raise error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            # One error for all who ask: its traceback must not grow with each.
            raise self._failure.with_traceback(None)


def broken(expected: str, offset: int, excerpt: bytes) -> NetconfFramingError:
    """Return the error that tells what was expected where, and what came."""
    return NetconfFramingError(
        f"framing broken at byte {offset} of the peer's stream: expected {expected}, "
        f"got {excerpt!r}"
    )


def _never() -> bool:
    return False
