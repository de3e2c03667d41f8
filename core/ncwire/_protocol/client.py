"""A client's side of a NETCONF stream as a state machine, without I/O: bytes in, events out."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, NoReturn

from ncwire._protocol.capabilities import BASE_1_0, BASE_1_1, Capabilities
from ncwire._protocol.dialect import PLAIN, Dialect
from ncwire._protocol.framing import (
    ChunkedDecoder,
    ChunkedFramer,
    Decoder,
    Document,
    EndOfMessageDecoder,
    EndOfMessageFramer,
    Framer,
    Limits,
    Wrong,
    chunked_pieces,
    end_of_message_pieces,
    frame_chunked,
    frame_end_of_message,
    text_of,
)
from ncwire._protocol.last_words import error_message, stray_text
from ncwire._protocol.messages import Hello, build_hello, parse_hello, read_root
from ncwire._protocol.root_fastpath import Alike, plain_root
from ncwire.errors import (
    ForbiddenXMLError,
    HelloMalformedError,
    HelloMissingError,
    MessageError,
    MessageSizeError,
    NcwireError,
    NetconfFramingError,
    NoCommonBaseError,
    SessionError,
)

Root = tuple[str, dict[str, str]]

_HEAD = 4096
_PROLOG = 64 * 1024
_REPLACED = "\ufffd"
"""What stands for a byte that is not UTF-8 (U+FFFD)."""


class Framing(enum.Enum):
    """How messages are told apart on the wire (RFC 6242 section 4)."""

    END_OF_MESSAGE = "end-of-message"
    CHUNKED = "chunked"


class HelloReceived(NamedTuple):
    """The server's hello, and the framing of all that follows the hellos, in both directions."""

    session_id: str | None
    capabilities: Capabilities
    framing: Framing


class MessageReceived(NamedTuple):
    """A message: its root element's qualified name and attributes, and the document.

    The content of one that is not UTF-8 is a `Document` that is `wrong`, and has no text.
    """

    root: Root
    content: str | Document

    @property
    def raw(self) -> str:
        """The document; a large one is decoded when it is first asked for."""
        return text_of(self.content)

    def __repr__(self) -> str:
        return f"MessageReceived(root={self.root!r})"  # the document may hold secrets


class Inlet(ABC):
    """Takes a message piece by piece."""

    @property
    @abstractmethod
    def full(self) -> bool:
        """Whether nothing more should be received for now."""

    @abstractmethod
    def put(self, pieces: list[bytes]) -> None:
        """Take what has come next of the document."""

    @abstractmethod
    def finish(self) -> None:
        """Take it for complete."""


Divert = Callable[[Root], Inlet | None]


class Protocol:
    """One session's protocol state, from the client's side.

    Give `receive` what was read, then call `next_event` until it returns None. Send `hello()`
    first, at any time; what `frame` returns only after `HelloReceived`.

    The first message must be the server's hello. Chunked framing is used from there on if both
    sides offer base:1.1, end-of-message framing if not: the server's switches at the very byte
    after its hello's end marker. A later hello is an ordinary message: RFC 6241 section 8.1
    has each side send one, and gives a client no rule for a second.

    `session_id`, `server_capabilities` and `framing` are None before `HelloReceived`; the first
    also after it, where the dialect lets a server do without.
    """

    def __init__(
        self,
        client: Capabilities,
        limits: Limits = Limits(),  # noqa: B008 - it is immutable
        dialect: Dialect = PLAIN,
    ) -> None:
        self._client = client
        self._limits = limits
        self._dialect = dialect
        self._hello_decoder = EndOfMessageDecoder(limits.hello)
        self._decoder: Decoder = self._hello_decoder
        self._alike = Alike()
        self.frame: Callable[[bytes], tuple[bytes | memoryview, ...]] = _not_yet
        """Returns the buffers that carry a message, which is sent as it is.

        Raises `SessionError` before the server's hello, whose capabilities decide the framing,
        and `UnsendableMessageError` for a message that is empty, or contains "]]>]]>" under end-
        of-message framing.
        """
        self._failure: NcwireError | None = None
        self._divert: Divert | None = None
        self.inlet: Inlet | None = None
        """Where the message goes that is being handed over as it comes, if one is."""
        self._kept = False  # whether the unfinished message is none of those, for certain
        self._peek_at = 0  # how much of it has to be there to look for its root again
        self.session_id: str | None = None
        self.server_capabilities: Capabilities | None = None
        self.framing: Framing | None = None

    @property
    def hello_received(self) -> bool:
        """Whether the server's hello has come and was good."""
        return self.framing is not None

    def hello(self) -> bytes:
        """Return the client's hello, framed, as it is to be sent."""
        hello = build_hello(self._client, self._dialect.hello_prefix)
        return b"".join(frame_end_of_message(hello))

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in what was read. Never raises for what it is: `next_event` does.

        What comes after an error is dropped.
        """
        if self._failure is None:
            self._decoder.receive(data)

    def take_whole(self, data: bytes) -> tuple[Root, str | Document] | None:
        """Take in a read that is one message and nothing else, as most are; return root and text.

        None if it is not: it has not been taken in then, and is to be given to `receive`. Raises
        what `next_event` does for a message.
        """
        if self.framing is None or self._failure is not None or self._divert is not None:
            return None
        document = self._decoder.take_whole(data)
        if document is None:
            return None
        try:
            text = document.decode()
            root = self._alike.root(text)
        except UnicodeDecodeError:
            root = None
        if root is not None:
            return root, text
        try:
            return self._message(document)
        except NcwireError as error:
            self._failure = error
            raise

    def next_event(self) -> HelloReceived | MessageReceived | None:
        """Return the next event, or None when more must be received first.

        Raises `NetconfFramingError` or `MessageSizeError` when the stream cannot be decoded
        further, a `HelloError` when the first message is no acceptable hello, `MessageError`
        or `ForbiddenXMLError` for a message that has no readable root. What came before the
        error is returned first; afterwards it is raised again and again.
        """
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        try:
            if self.framing is None:
                return self._next_hello()
            if self._divert is not None:
                return self._next_or_divert(self._divert)
            document = self._decoder.next_document()
            if document is None:
                return None
            return self._message(document)
        except NcwireError as error:
            self._failure = self._with_words(error)
            raise self._failure from error.__cause__

    def _with_words(self, error: NcwireError) -> NcwireError:
        """Return the error, with what the server said where the start of a message was due.

        Under end-of-message framing alone: in chunks it may be the content of a message.
        """
        if self.framing is Framing.CHUNKED or type(error) is not NetconfFramingError:
            return error
        said = stray_text(self.pending())
        return NetconfFramingError(f'{error}; it said "{said}"') if said else error

    def divert(self, divert: Divert) -> None:
        """Ask from now on whether a message is to be handed over as it comes.

        `divert` is called with each message's root, as soon as that is known, and returns where
        the document goes, piece by piece, or None for an event as ever. What is handed over is
        not kept, and is bounded by no limit. A root that does not end within 64 KiB makes the
        message one that is kept. To be called after the hello.
        """
        self._divert = divert
        self._decoder.may_exceed = self._may_exceed

    def frame_pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes | memoryview]:
        """Yield the buffers that carry a message given in pieces, which are sent as they are.

        Raises `SessionError` before the server's hello. What makes a message unsendable is seen
        only when its piece comes: see `chunked_pieces` and `end_of_message_pieces`.
        """
        if self.framing is None:
            raise _too_early()
        if self.framing is Framing.CHUNKED:
            return chunked_pieces(pieces)
        return end_of_message_pieces(pieces)

    def framer(self) -> Framer:
        """Return what frames a message whose pieces are put in. Raises as `frame_pieces` does."""
        if self.framing is None:
            raise _too_early()
        return ChunkedFramer() if self.framing is Framing.CHUNKED else EndOfMessageFramer()

    def pending(self) -> bytes:
        """Return what has arrived of an unfinished message; empty between two messages."""
        return self._decoder.pending()

    def _next_hello(self) -> HelloReceived | None:
        try:
            document = self._decoder.next_message()
        except MessageSizeError as error:
            raise MessageSizeError("hello", error.limit) from error
        except NetconfFramingError as error:
            raise HelloMissingError(
                f"hello: the server sent something else: {self._with_words(error)}"
            ) from error
        if document is None:
            return None
        hello = self._hello(document)
        framing = self._agree(hello.capabilities)
        self._switch(framing)
        self.session_id = hello.session_id
        self.server_capabilities = hello.capabilities
        self.framing = framing
        return HelloReceived(hello.session_id, hello.capabilities, framing)

    def _hello(self, document: bytes) -> Hello:
        try:
            text = document.decode()
        except UnicodeDecodeError as error:
            around = document[max(0, error.start - 20) : error.start + 20]
            wrong = Document.of(document)
            other = self._in_other_encoding(wrong)
            if other is None:
                where = f"{wrong.wrong}: {around!r}"
                raise HelloMalformedError(f"hello: the message is {where}") from None
            text = other
        try:
            return parse_hello(text, require_session_id=self._dialect.require_session_id)
        except HelloMissingError as error:
            said = error_message(text)
            raise HelloMissingError(f'{error}: it said "{said}"' if said else str(error)) from None

    def _message(self, document: bytes | Document) -> MessageReceived:
        if isinstance(document, Document):
            if document.wrong is not None:
                return self._not_utf8(document, document.wrong)
            return MessageReceived(self._root_of(document), document)
        try:
            text = document.decode()
        except UnicodeDecodeError as error:
            wrong = Wrong(error.start, error.reason)
            return self._not_utf8(Document.of(document), wrong)
        root = self._alike.root(text)
        if root is None:
            root = read_root(text)
            self._alike.learn(text, root)
        return MessageReceived(root, text)

    def _root_of(self, document: Document) -> Root:
        # Nothing that follows a plain root can make it another.
        return self._plain_root(document) or read_root(document.text())

    def _not_utf8(self, document: Document, wrong: Wrong) -> MessageReceived:
        text = self._in_other_encoding(document)
        if text is not None:
            return MessageReceived(read_root(text), text)
        # Its bytes are nothing that can be handed to listeners as text. But its root tells whose
        # it is, if the bad byte is further on, as it nearly always is.
        try:
            root = self._plain_root(document)
            root = root or read_root(document.join().decode(errors="replace"))
        except ForbiddenXMLError:
            raise
        except MessageError:
            raise MessageError(f"the message is {wrong}, and its root cannot be read") from None
        if _REPLACED in root[1].get("message-id", ""):
            # The call that waits for it would never be told.
            raise MessageError(f"the message is {wrong}, in its message-id")
        return MessageReceived(root, document)

    def _in_other_encoding(self, document: Document) -> str | None:
        encoding = self._dialect.encoding
        if not encoding:
            return None
        try:
            return document.join().decode(encoding)
        except UnicodeDecodeError:
            return None

    def _plain_root(self, document: Document) -> Root | None:
        head = document.head(_HEAD)
        return self._alike.root(head) or plain_root(head)

    def _next_or_divert(self, divert: Divert) -> MessageReceived | None:
        while (document := self._decoder.next_document()) is not None:
            inlet, kept = self.inlet, self._kept
            self.inlet, self._kept, self._peek_at = None, False, 0
            if inlet is None:
                message = self._message(document)
                inlet = None if kept else divert(message.root)
                if inlet is None:
                    size = len(document) if isinstance(document, bytes) else document.size
                    self._check_size(size)
                    return message
            if isinstance(document, bytes):
                inlet.put([document])
            else:
                self._hand_over(document, inlet)
            inlet.finish()
        self._take_in(self._decoder.unfinished, divert)
        return None

    def _take_in(self, document: Document, divert: Divert) -> None:
        if self.inlet is None and not self._kept and document.size > self._peek_at:
            self._peek_at = 2 * document.size
            root = self._plain_root(document)
            if root is None and document.size >= _PROLOG:
                root = self._root_in_prolog(document)
            if root is not None:
                self.inlet = divert(root)
                self._kept = self.inlet is None
        if self.inlet is None:
            self._check_size(document.size)
        else:
            self._hand_over(document, self.inlet)

    def _root_in_prolog(self, document: Document) -> Root | None:
        try:
            return read_root(document.head(_PROLOG))
        except ForbiddenXMLError:
            raise
        except MessageError:  # not there: it may still be further on
            self._kept = True
            return None

    def _hand_over(self, document: Document, inlet: Inlet) -> None:
        if pieces := document.take():
            inlet.put(pieces)

    def _check_size(self, size: int) -> None:
        if size > self._limits.message:
            raise MessageSizeError("message", self._limits.message)

    def _may_exceed(self) -> bool:
        # A message of which nothing has come may become one that is handed over.
        return not self._kept

    def _agree(self, server: Capabilities) -> Framing:
        if BASE_1_1 in self._client and BASE_1_1 in server:
            return Framing.CHUNKED
        if BASE_1_0 in self._client and BASE_1_0 in server:
            return Framing.END_OF_MESSAGE
        raise NoCommonBaseError(
            "hello: no base version of NETCONF in common: "
            f"the server offers {_versions(server)}, we offer {_versions(self._client)}"
        )

    def _switch(self, framing: Framing) -> None:
        if framing is Framing.END_OF_MESSAGE:
            self._decoder.max_message = self._limits.message
            self.frame = frame_end_of_message
            return
        rest = self._hello_decoder.take_rest()
        self.frame = frame_chunked
        self._decoder = ChunkedDecoder(
            self._limits.message,
            self._hello_decoder.offset,
            max_header=self._limits.chunk_header,
        )
        self._decoder.receive(rest)


def _not_yet(_message: bytes) -> NoReturn:
    raise _too_early()


def _too_early() -> SessionError:
    return SessionError("the server's hello has not come: the framing is not known yet")


def _versions(capabilities: Capabilities) -> str:
    return " and ".join(capabilities.base_versions()) or "none that is known"
