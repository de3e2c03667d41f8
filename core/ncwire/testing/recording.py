"""What a trace says that a device was asked, and what it answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import canonicalize, tostring

from ncwire.errors import TraceError
from ncwire.errors.printable import one_line
from ncwire.testing.document import DocumentError, local_name, parse
from ncwire.testing.request_difference import difference, without_namespaces

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from ncwire.observe import Trace, TraceEvent

_EXCERPT: Final = 300


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as it is compared: without its message-id, and the white space around texts.

    Prefixes and the order of attributes do not count either. `canonical` is None for one whose
    text a trace does not have: it is like any other of its `name`.
    """

    name: str
    canonical: str | None
    text: str = field(repr=False)

    def is_like(self, other: Request) -> bool:
        """Return whether they ask for the same."""
        if self.canonical is None or other.canonical is None:
            return self.name == other.name or "" in (self.name, other.name)
        return self.canonical == other.canonical

    def shown(self) -> str:
        """Return it for an error's text."""
        if not self.text:
            return f"<{self.name}>, which is not shown"
        return one_line(without_namespaces(self.text), _EXCERPT)

    def besides(self, got: Request) -> str:
        """Return what was expected, this, and what came instead, for an error's text."""
        found = None
        if self.name == got.name and self.text and got.text:
            found = difference(self.text, got.text)
        if found is None:
            return f"{self.shown()}; got {got.shown()}"
        return f"an rpc with {found[0]}; got {found[1]}: {got.shown()}"


@dataclass(slots=True)
class Exchange:
    """A request of a recorded session, what it was answered, and what came after that."""

    request: Request
    replies: list[str] = field(default_factory=list, repr=False)
    """The reply, and the other messages that came before the next one; no reply at all: none."""
    missing: str = ""
    """Why the reply is not in the trace, if it came and is not."""


@dataclass(slots=True)
class Recorded:
    """A recorded session: the server's hello, what came unasked at first, and the exchanges."""

    name: str
    hello: str = field(repr=False)
    first: list[str] = field(default_factory=list, repr=False)
    exchanges: list[Exchange] = field(default_factory=list)


def request_of(rpc: str | bytes) -> tuple[dict[str, str], Request]:
    """Return the attributes of an `<rpc>`, and its operation. Raises `DocumentError`."""
    root = parse(rpc.encode() if isinstance(rpc, str) else rpc)
    if local_name(root) != "rpc":
        raise DocumentError(f"it is no <rpc>, but <{local_name(root)}>")
    if len(root) != 1:
        raise DocumentError(f"the <rpc> has {len(root)} operations")
    return dict(root.attrib), request_for(root[0])


def request_for(operation: Element) -> Request:
    """Return an operation as it is compared."""
    operation.tail = None
    text = tostring(operation, encoding="unicode")
    canonical = canonicalize(text, strip_text=True, rewrite_prefixes=True)
    return Request(local_name(operation), canonical, text)


def recorded(trace: Trace, name: str | None = None) -> list[Recorded]:
    """Return the sessions of a trace that were opened, or the one of that name.

    Raises `TraceError` where there is none, or where an rpc in it cannot be read.
    """
    names = trace.sessions if name is None else (name,)
    sessions = (_session(trace, each) for each in names)
    found = [each for each in sessions if each is not None]
    if not found:
        what = "no session" if name is None else f"no session {name!r}"
        there = ", ".join(trace.sessions) or "none"
        raise TraceError(f"trace: it has {what} with a server's hello in it; there are: {there}")
    return found


def _session(trace: Trace, name: str) -> Recorded | None:
    session: Recorded | None = None
    waiting: dict[str, Exchange] = {}
    operations: dict[str, str] = {}
    after: list[str] = []
    for event in trace.of(name):
        if event.event == "rpc":
            operations[str(event.facts.get("message_id"))] = str(event.facts.get("operation", ""))
        elif session is None:
            if event.event == "received" and event.facts.get("kind") == "hello" and event.body:
                session = Recorded(name, event.body)
                after = session.first
        elif event.event == "sent" and event.facts.get("kind") == "rpc":
            message_id = str(event.facts.get("message_id"))
            exchange = Exchange(_request(event, operations.get(message_id, "")))
            session.exchanges.append(exchange)
            waiting[message_id] = exchange
        elif event.event == "rpc ended" and event.facts.get("outcome") == "unsent":
            # The device was not asked, and so it is not expected to be.
            unsent = waiting.pop(str(event.facts.get("message_id")), None)
            session.exchanges[:] = [each for each in session.exchanges if each is not unsent]
        elif event.event == "received":
            after = _received(event, waiting, after)
    return session


def _received(event: TraceEvent, waiting: dict[str, Exchange], after: list[str]) -> list[str]:
    """Note a message after what it came after; return what the next one comes after."""
    if event.facts.get("kind") == "rpc-reply":
        answered = _answered(event, waiting)
        if answered is None:
            return after
        after = answered.replies
        if event.body is None:
            answered.missing = str(event.facts.get("hidden", "not in the trace"))
    if event.body is not None:
        after.append(event.body)
    return after


def _request(event: TraceEvent, operation: str) -> Request:
    if event.body is None:
        return Request(operation, None, "")
    try:
        return request_of(event.body)[1]
    except DocumentError as error:
        raise TraceError(f"trace, session {event.session}: an rpc in it: {error}") from error


def _answered(event: TraceEvent, waiting: dict[str, Exchange]) -> Exchange | None:
    message_id = event.facts.get("message_id")
    if message_id is None:  # the oldest's (RFC 6241 section 4.5)
        message_id = next(iter(waiting), "")
    return waiting.pop(str(message_id), None)


_MESSAGE_ID: Final = re.compile(r"""(\smessage-id\s*=\s*)(?:"[^"]*"|'[^']*')""")


def with_message_id(reply: str, message_id: str | None) -> str:
    """Return a recorded reply with this message-id, given as it stands in XML, in place of its.

    None: with none.
    """
    start = reply.find("rpc-reply")
    end = reply.find(">", start)
    if start < 0 or end < 0:
        return reply

    def written(found: re.Match[str]) -> str:
        return "" if message_id is None else f'{found[1]}"{message_id}"'

    tag = _MESSAGE_ID.sub(written, reply[start:end], count=1)
    return reply[:start] + tag + reply[end:]
