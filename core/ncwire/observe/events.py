"""What observers are told.

None of these is changed once it is made; that Python watches over it takes a microsecond for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ncwire.errors import NcwireError


class _Joinable(Protocol):
    """A large message in pieces."""

    size: int

    def join(self) -> bytes:
        """Return it in one piece."""


@dataclass(slots=True, eq=False)
class SessionFacts:
    """Which session it is. What is not known (yet) is None; there is nothing secret in it.

    It is one object for each session: programs may keep what is theirs by it in a dict.
    """

    number: int
    """Counts the observed sessions of this process, from 1."""
    pid: int
    driver: str | None = None
    transport: str | None = None
    host: str | None = None
    port: int | None = None
    session_id: str | None = None
    """The server's, once its hello has come."""

    @property
    def peer(self) -> str:
        """Host and port as one text, or the driver's name where there is no host."""
        if self.host is None:
            return self.driver or "a channel"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(slots=True, eq=False)
class ConnectStep:
    """A step of connecting is done, well or badly.

    `name`: "TCP connect", "ProxyCommand", "SSH handshake", "TLS handshake", "host key",
    "authentication", "channel", "tunnel", "connect" (all that a driver does which connects by
    itself) or "hello". `jump_host` is the host on the way at which it was done.
    """

    session: SessionFacts
    name: str
    seconds: float
    error: BaseException | None = None
    jump_host: str | None = None


@dataclass(slots=True, eq=False)
class ConnectEnd:
    """The session is open, or why it is not; `seconds` are those of all steps."""

    session: SessionFacts
    seconds: float
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message, sent or received, without its framing. Bytes are made when they are asked for."""

    session: SessionFacts
    kind: str
    """The local name of its root: "hello", "rpc", "rpc-reply", "notification" or another."""
    message_id: str | None
    _content: bytes | str | _Joinable | int = field(repr=False)  # it may hold secrets

    @property
    def size(self) -> int:
        """How many bytes it has in UTF-8."""
        content = self._content
        if isinstance(content, int):
            return content
        if isinstance(content, bytes):
            return len(content)
        if isinstance(content, str):
            return len(content) if content.isascii() else len(content.encode())
        return content.size

    @property
    def body(self) -> bytes | None:
        """The document, with all secrets that are in it; see `Masks`.

        None for one that went in pieces: a request from an iterable, a reply that is streamed.
        """
        content = self._content
        if isinstance(content, int):
            return None
        if isinstance(content, bytes):
            return content
        return content.encode() if isinstance(content, str) else content.join()


@dataclass(slots=True, eq=False)
class RPCBegun:
    """An rpc is about to be sent."""

    session: SessionFacts
    message_id: str
    operation: str
    """The operation's local name, "get-config" for one; "" where it cannot be told."""


@dataclass(slots=True, eq=False)
class RPCEnd:
    """What became of an rpc.

    `outcome`: "answered"; "given up", for no call waits any more (a timeout, an interrupt, a
    stream that was closed early), and a reply that still comes is no news; "unsent", for nothing
    was sent after all; "failed", with the `error`: the session's cause, or that the reply is not
    UTF-8.
    """

    session: SessionFacts
    message_id: str
    operation: str
    seconds: float
    """From before it was sent until its reply had come, or no call waited for it any more.

    On the clock of `time.monotonic`; what observers do with the reply is not counted.
    """
    outcome: str
    error: NcwireError | None = None
    reply: Message | None = None

    @property
    def has_errors(self) -> bool:
        """Whether the text of the reply has an `<rpc-error>`, warnings too.

        The reply is looked through when this is asked. False of one that was streamed.
        """
        body = None if self.reply is None else self.reply.body
        return body is not None and b"rpc-error" in body


@dataclass(slots=True, eq=False)
class KeepaliveSent:
    """The peer was silent, and has been asked for a sign of life."""

    session: SessionFacts


@dataclass(slots=True, eq=False)
class SessionEnd:
    """The session has ended, and why.

    The `cause` is there for a regular end, too: a `SessionCloseError` with `closed_by` "us".
    """

    session: SessionFacts
    cause: NcwireError
