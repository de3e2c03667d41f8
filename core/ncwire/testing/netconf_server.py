"""The NETCONF side of the embedded server, without any I/O (RFC 6241, RFC 5277, RFC 6242)."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import threading
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from ncwire._protocol.framing import (
    ChunkedDecoder,
    Decoder,
    EndOfMessageDecoder,
    frame_chunked,
    frame_end_of_message,
)
from ncwire._protocol.messages import BASE_NS, NOTIFICATION_NS
from ncwire.errors import NetconfFramingError
from ncwire.testing.datastore import Datastores
from ncwire.testing.document import DocumentError, local_name, parse, serialise
from ncwire.testing.operations import Link, perform
from ncwire.testing.rpc_error import RPCError
from ncwire.testing.subtree import matches, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ncwire.testing.configuration import Configuration

    Buffers = tuple[bytes | memoryview, ...]

BASE_CAPABILITIES = {
    "1.0": "urn:ietf:params:netconf:base:1.0",
    "1.1": "urn:ietf:params:netconf:base:1.1",
}
CAPABILITIES = (
    "urn:ietf:params:netconf:capability:writable-running:1.0",
    "urn:ietf:params:netconf:capability:candidate:1.0",
    "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
    "urn:ietf:params:netconf:capability:validate:1.1",
    "urn:ietf:params:netconf:capability:notification:1.0",
    "urn:ietf:params:netconf:capability:interleave:1.0",
)
CHANGE_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"

_LOG = logging.getLogger(__name__)


class NetconfServer:
    """What the sessions of one server share: datastores, session-ids, subscriptions.

    `base` are the versions of NETCONF that it speaks, `capabilities` further URIs for its hello.
    Safe for sessions in several threads.
    """

    def __init__(
        self,
        configuration: Configuration | None = None,
        *,
        base: Sequence[str] = ("1.0", "1.1"),
        capabilities: Iterable[str] = (),
    ) -> None:
        unknown = set(base) - BASE_CAPABILITIES.keys()
        if unknown or not base:
            raise ValueError(f"base: {tuple(base)!r} are not versions of NETCONF")
        self.base = frozenset(base)
        self.capabilities = (
            *(BASE_CAPABILITIES[version] for version in sorted(self.base)),
            *CAPABILITIES,
            *capabilities,
        )
        self.datastores = Datastores(configuration)
        self.lock = threading.RLock()
        """Held while an operation is performed; never while anything is sent."""
        self._sessions: dict[int, ServerSession] = {}
        self._ids = itertools.count(1)

    def open_session(self, link: Link, username: str) -> ServerSession:
        """Begin a session; it counts until its `end`."""
        with self.lock:
            session = ServerSession(self, link, next(self._ids), username)
            self._sessions[session.id] = session
            return session

    @property
    def session_count(self) -> int:
        """How many sessions there are."""
        return len(self._sessions)

    def end_session(self, session_id: int) -> ServerSession | None:
        """Forget a session and give back its locks; None when there is none of that id."""
        with self.lock:
            session = self._sessions.pop(session_id, None)
            if session is not None:
                session.closed = True
                self.datastores.release(session_id)
            return session

    def notify(self, event: Element) -> int:
        """Send a notification to all who have subscribed to it; return how many those are.

        `event` is the notification's content, or a whole <notification>, which goes as it is.
        """
        whole = event.tag == f"{{{NOTIFICATION_NS}}}notification"
        message = serialise(event) if whole else _notification(event)
        with self.lock:
            receivers = [session for session in self._sessions.values() if session.wants(event)]
            for session in receivers:
                session.link.deliver(message)
        return len(receivers)

    def announce_change(self, session: ServerSession) -> None:
        """Tell the subscribers that a session changed <running> (RFC 6470 section 2.2)."""
        event = Element(f"{{{CHANGE_NS}}}netconf-config-change")
        changed_by = SubElement(event, f"{{{CHANGE_NS}}}changed-by")
        SubElement(changed_by, f"{{{CHANGE_NS}}}username").text = session.username
        SubElement(changed_by, f"{{{CHANGE_NS}}}session-id").text = str(session.id)
        SubElement(event, f"{{{CHANGE_NS}}}datastore").text = "running"
        self.notify(event)


class ServerSession:
    """One session: bytes in, bytes out.

    `closed` tells that nothing more will be answered, because the client closed the session or
    broke its rules; the stream is to be ended then. Not for several threads at once.
    """

    def __init__(self, server: NetconfServer, link: Link, session_id: int, username: str) -> None:
        self.server = server
        self.link = link
        self.id = session_id
        self.username = username
        self.closed = False
        self.subscribed = False
        self.event_filter: Element | None = None
        self._frame: Callable[[bytes], Buffers] = frame_end_of_message
        self._hello_decoder = EndOfMessageDecoder()
        self._decoder: Decoder = self._hello_decoder
        self._greeted = False

    def hello(self) -> Buffers:
        """Return the server's hello, framed."""
        hello = Element("hello", xmlns=BASE_NS)
        uris = SubElement(hello, "capabilities")
        for uri in self.server.capabilities:
            SubElement(uris, "capability").text = uri
        SubElement(hello, "session-id").text = str(self.id)
        return self.framed(tostring(hello))

    def receive(self, data: bytes) -> Iterator[bytes | memoryview]:
        """Take in what came from the client, and yield the framed answers as they are made."""
        try:
            self._decoder.receive(data)
            while not self.closed:
                message = self._decoder.next_message()
                if message is None:
                    return
                if self._greeted:
                    yield from self.framed(self._answer(message))
                else:
                    self._greet(message)
        except NetconfFramingError as error:
            # RFC 6242 section 4.2: framing that is broken ends the session.
            _LOG.info("session %d: %s", self.id, error)
            self.closed = True

    def framed(self, message: bytes) -> Buffers:
        """Return a message in the framing that holds after what has been received so far."""
        return self._frame(message)

    def wants(self, event: Element) -> bool:
        """Tell whether the client has subscribed to such a notification."""
        if not self.subscribed or self.event_filter is None:
            return self.subscribed
        return any(
            matches(event, wanted) and select(event, wanted) is not None
            for wanted in self.event_filter
        )

    def end(self) -> None:
        """Release what the session holds. Idempotent."""
        self.server.end_session(self.id)

    def _greet(self, message: bytes | bytearray) -> None:
        version = self._common_base(message)
        if version is None:
            # RFC 6241 section 8.1: there is no session, hence no peer to send an error to.
            self.closed = True
            return
        self._greeted = True
        if version == "1.1":
            rest = self._hello_decoder.take_rest()
            self._decoder = ChunkedDecoder()
            self._decoder.receive(rest)
            self._frame = frame_chunked

    def _common_base(self, message: bytes | bytearray) -> str | None:
        try:
            hello = parse(message)
        except DocumentError as error:
            _LOG.info("session %d: hello: %s", self.id, error)
            return None
        if hello.tag != _q("hello") or hello.find(_q("session-id")) is not None:
            return None
        path = f"{_q('capabilities')}/{_q('capability')}"
        offered = {(capability.text or "").strip() for capability in hello.findall(path)}
        common = {v for v in self.server.base if BASE_CAPABILITIES[v] in offered}
        return max(common, default=None)

    def _answer(self, message: bytes | bytearray) -> bytes:
        attributes: dict[str, str] = {}
        try:
            rpc = self._parsed_rpc(message)
            attributes = rpc.attrib
            body = self._perform(_operation(rpc))
        except RPCError as error:
            body = serialise(error.element(BASE_NS), BASE_NS)
        return _reply(attributes, body)

    def _perform(self, operation: Element) -> bytes:
        try:
            return perform(self, operation)
        except RPCError:
            raise
        except Exception as error:
            # A request that trips over a fault of ours is answered like any other.
            _LOG.exception("session %d", self.id)
            raise RPCError("operation-failed", "internal error", layer="application") from error

    def _parsed_rpc(self, message: bytes | bytearray) -> Element:
        try:
            root = parse(message)
        except DocumentError as error:
            raise self._malformed(str(error)) from error
        if root.tag != _q("rpc"):
            raise self._malformed(f"<{local_name(root)}> is no <rpc>")
        return root

    def _malformed(self, problem: str) -> RPCError:
        # Appendix A: malformed-message must not be sent to clients of base 1.0.
        is_new = self._frame is frame_chunked
        return RPCError(
            "malformed-message" if is_new else "operation-failed", problem, layer="rpc"
        )


def _operation(rpc: Element) -> Element:
    if "message-id" not in rpc.attrib:
        raise RPCError(
            "missing-attribute",
            "an <rpc> needs a message-id",
            layer="rpc",
            info={"bad-attribute": "message-id", "bad-element": "rpc"},
        )
    if len(rpc) == 0:
        raise RPCError("missing-element", "the <rpc> has no operation", layer="rpc")
    if len(rpc) > 1:
        raise RPCError(
            "unknown-element",
            "an <rpc> has one operation",
            layer="rpc",
            info={"bad-element": local_name(rpc[1])},
        )
    return rpc[0]


def _reply(attributes: dict[str, str], body: bytes) -> bytes:
    # RFC 6241 section 4.2: the reply has all the attributes of its <rpc>, unchanged.
    empty = tostring(
        Element("rpc-reply", {"xmlns": BASE_NS} | attributes), short_empty_elements=False
    )
    end = b"</rpc-reply>"
    return b"".join((empty.removesuffix(end), body, end))


def _notification(event: Element) -> bytes:
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    head = f'<notification xmlns="{NOTIFICATION_NS}"><eventTime>{now}</eventTime>'
    return b"".join((head.encode(), serialise(event, NOTIFICATION_NS), b"</notification>"))


def _q(name: str) -> str:
    return f"{{{BASE_NS}}}{name}"
