"""Errors of the NETCONF session: hello, messages, rpcs."""

from __future__ import annotations

from ncwire.errors.base import NcwireError


class SessionError(NcwireError):
    """The NETCONF session, above the transport, failed."""


class HelloError(SessionError):
    """The server's hello is not acceptable."""


class HelloMissingError(HelloError):
    """The server closed, the connection failed, or something else came where a hello was due."""


class HelloTimeoutError(HelloError, TimeoutError):
    """The server's hello did not come in time; `seconds` is the budget."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"hello: the server sent none within {seconds:g} s")
        self.seconds = seconds


class HelloMalformedError(HelloError):
    """The server's hello is no well-formed hello document."""


class HelloSessionIdError(HelloError):
    """The server's hello has no session-id, or one that is no positive integer."""


class NoCommonBaseError(HelloError):
    """Client and server have no base version of NETCONF in common."""


class MessageError(SessionError):
    """A message could not be read.

    Where it is the root element the session ends with this cause. Where it is a reply that the
    caller has read, `Reply.element` and the like, the session lives.
    """


class ForbiddenXMLError(MessageError):
    """A message has a DOCTYPE, an entity declaration or an external reference."""


class MessageDecodeError(SessionError):
    """A message is not UTF-8, as every NETCONF message is to be (RFC 6241 section 3).

    Its framing is whole, so that the session lives: if it is a reply, only its rpc fails. `raw`
    are its bytes as they came, which may hold secrets and are shown nowhere; `offset` is where
    in them the first is that is not UTF-8, and `reason` why; `root` is the qualified name of its
    root, and `message_id` that of its rpc, None where it has none. A profile's
    `received.encoding` names the encoding of a device that has another.
    """

    def __init__(
        self, root: str, message_id: str | None, raw: bytes, offset: int, reason: str
    ) -> None:
        what = (
            f"the message {root!r}" if message_id is None else f"the reply to rpc {message_id!r}"
        )
        super().__init__(
            f"{what} is not UTF-8 at its byte {offset} of {len(raw)} ({reason}); its bytes are "
            "the error's raw; a device's own encoding is named by received.encoding in its profile"
        )
        self.root = root
        self.message_id = message_id
        self.raw = raw
        self.offset = offset
        self.reason = reason


class RPCTimeoutError(SessionError, TimeoutError):
    """No reply to an rpc came in time. The session lives; a late reply is dropped.

    `received` is how much had come of a reply that is streamed, in bytes: then nothing more of
    it came in time, and its rest is dropped. The text says how many replies came meanwhile that
    no call waited for, and which profile the server's capabilities ask for where none was given.
    """

    def __init__(
        self, message_id: str, seconds: float, received: int = 0, *, hint: str = ""
    ) -> None:
        missing = f"nothing after {received} bytes of the reply" if received else "no reply"
        super().__init__(f"rpc {message_id}: {missing} within {seconds:g} s{hint and '; '}{hint}")
        self.message_id = message_id
        self.seconds = seconds
        self.received = received


class SendQueueFullError(SessionError, TimeoutError):
    """The peer does not read, and what is to be sent has grown to `Limits.send_queue`.

    Nothing of the message was sent, and the session lives. `queued` is in bytes; `seconds` is how
    long was waited, 0 where waiting cannot help: on the thread that serves the session.
    """

    def __init__(self, queued: int, seconds: float) -> None:
        end = (
            f"still after {seconds:g} s" if seconds else "and the session's own thread cannot wait"
        )
        super().__init__(
            f"send: nothing was sent: {queued} bytes of earlier messages wait for the peer, {end}"
        )
        self.queued = queued
        self.seconds = seconds


class BrokenMessageError(SessionError):
    """A message in pieces was broken off after part of it had been sent; the session has ended.

    The text says why; `__cause__` is what the pieces' iterator raised, if it did.
    """
