"""`OpenTelemetryObserver`: spans of connects and rpcs, and what is counted."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from ncwire._version import __version__
from ncwire.contrib.opentelemetry.library import metrics, trace
from ncwire.driver.forking import Forkable, free_in_child, watch_forks
from ncwire.observe import Observer

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from ncwire.observe import (
        ConnectEnd,
        ConnectStep,
        KeepaliveSent,
        Message,
        RPCBegun,
        RPCEnd,
        SessionEnd,
        SessionFacts,
    )

    Attributes = dict[str, str | int]

_NAME: Final = "ncwire"
_NANO: Final = 10**9
# OpenTelemetry's own are for milliseconds: in seconds nearly all rpcs would be in one bucket. The
# least is a quick reply on a local network, the greatest a commit of a large configuration.
_BOUNDARIES: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 120.0, 300.0),
)
_LOOKED_THROUGH: Final = 1 << 20
"""How large a reply, in bytes, is looked through for an <rpc-error>."""


class OpenTelemetryObserver(Observer, Forkable):
    """Tells OpenTelemetry of sessions; one is enough for all: `ncwire.observe.add` it.

    `tracer_provider`, `meter_provider`: None is the program's own.

    Spans: "NETCONF connect", with one below it for each step, and one for each rpc, named after
    its operation. Each begins on the thread that connects or sends, below the span that is current
    there. An rpc that has no reply, or whose reply of up to a megabyte has an `<rpc-error>`, has
    the status ERROR, and `error.type` says what it was.

    Metrics: `ncwire.sessions`, how many are open; `ncwire.sessions.ended`, how many of these have
    ended, with `error.type` where this program has not closed them; `ncwire.connect.duration` and
    `ncwire.rpc.duration`, histograms in seconds, which count, too, with boundaries from a
    millisecond to five minutes unless a view of the program's says otherwise; `ncwire.messages`
    and `ncwire.bytes` by direction, without the framing; `ncwire.keepalives`.

    Attributes are those of OpenTelemetry's conventions where it has any: `server.address`,
    `server.port`, `rpc.system`, `rpc.method`, `network.io.direction`, `error.type`; and
    `ncwire.driver`, and on spans `netconf.session_id` and `netconf.message_id`. No message, and no
    text of an error, is among them.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
        meter = metrics.get_meter(_NAME, __version__, meter_provider)
        self._sessions = meter.create_up_down_counter(
            "ncwire.sessions", "{session}", "Sessions that are open"
        )
        self._ends = meter.create_counter(
            "ncwire.sessions.ended", "{session}", "Sessions that were open, and have ended"
        )
        self._connects = meter.create_histogram(
            "ncwire.connect.duration",
            "s",
            "From the beginning of a connect to its end",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        )
        self._rpcs = meter.create_histogram(
            "ncwire.rpc.duration",
            "s",
            "From before an rpc is sent until its reply has come",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        )
        self._messages = meter.create_counter("ncwire.messages", "{message}", "Messages")
        self._bytes = meter.create_counter("ncwire.bytes", "By", "Bytes of messages")
        self._keepalives = meter.create_counter("ncwire.keepalives", "{keepalive}", "Keepalives")
        self._lock = threading.RLock()
        watch_forks(self)
        self._connecting: dict[SessionFacts, Span] = {}
        self._open: set[SessionFacts] = set()
        self._gone: set[SessionFacts] = set()  # ended before their connect had
        self._under_way: dict[tuple[SessionFacts, str], Span] = {}

    def abandon_in_child(self) -> None:
        """Know of no session in a forked child: they are the parent's."""
        free_in_child(self._lock)
        for known in (self._connecting, self._open, self._gone, self._under_way):
            known.clear()

    def connect_begun(self, session: SessionFacts) -> None:
        """See `Observer.connect_begun`."""
        span = self._tracer.start_span(
            "NETCONF connect", kind=trace.SpanKind.CLIENT, attributes=_attributes(session)
        )
        self._connecting[session] = span

    def connect_step(self, step: ConnectStep) -> None:
        """See `Observer.connect_step`."""
        whole = self._connecting.get(step.session)
        if whole is None:
            return
        now = time.time_ns()
        attributes = _attributes(step.session)
        if step.jump_host is not None:
            attributes["ncwire.jump_host"] = step.jump_host
        span = self._tracer.start_span(
            step.name,
            context=trace.set_span_in_context(whole),
            attributes=attributes,
            start_time=now - int(step.seconds * _NANO),
        )
        if step.error is not None:
            _failed(span, type(step.error).__name__)
        span.end(now)

    def connect_ended(self, end: ConnectEnd) -> None:
        """See `Observer.connect_ended`."""
        session = end.session
        with self._lock:
            span = self._connecting.pop(session, None)
            is_open = end.error is None and session not in self._gone
            self._gone.discard(session)
            if is_open:
                self._open.add(session)
        attributes = _attributes(session)
        if is_open:
            self._sessions.add(1, attributes)
        if end.error is not None:
            attributes["error.type"] = type(end.error).__name__
        self._connects.record(end.seconds, attributes)
        if span is not None:
            if end.error is not None:
                _failed(span, type(end.error).__name__)
            if session.session_id is not None:
                span.set_attribute("netconf.session_id", session.session_id)
            span.end()

    def ended(self, end: SessionEnd) -> None:
        """See `Observer.ended`."""
        session = end.session
        with self._lock:
            was_open = session in self._open
            self._open.discard(session)
            if session in self._connecting:
                self._gone.add(session)
        if was_open:
            attributes = _attributes(session)
            self._sessions.add(-1, attributes)
            if getattr(end.cause, "closed_by", None) != "us":
                attributes = {**attributes, "error.type": type(end.cause).__name__}
            self._ends.add(1, attributes)

    def rpc_begun(self, rpc: RPCBegun) -> None:
        """See `Observer.rpc_begun`."""
        attributes = _attributes(rpc.session, rpc.operation)
        attributes["netconf.message_id"] = rpc.message_id
        if rpc.session.session_id is not None:
            attributes["netconf.session_id"] = rpc.session.session_id
        self._under_way[rpc.session, rpc.message_id] = self._tracer.start_span(
            rpc.operation or "rpc", kind=trace.SpanKind.CLIENT, attributes=attributes
        )

    def rpc_ended(self, rpc: RPCEnd) -> None:
        """See `Observer.rpc_ended`."""
        error = _error(rpc)
        attributes = _attributes(rpc.session, rpc.operation)
        if error:
            attributes["error.type"] = error
        self._rpcs.record(rpc.seconds, attributes)
        span = self._under_way.pop((rpc.session, rpc.message_id), None)
        if span is not None:
            if error:
                _failed(span, error)
            span.end()

    def message_sent(self, message: Message) -> None:
        """See `Observer.message_sent`."""
        self._count(message, "transmit")

    def message_received(self, message: Message) -> None:
        """See `Observer.message_received`."""
        self._count(message, "receive")

    def keepalive_sent(self, keepalive: KeepaliveSent) -> None:
        """See `Observer.keepalive_sent`."""
        self._keepalives.add(1, _attributes(keepalive.session))

    def _count(self, message: Message, direction: str) -> None:
        attributes = _attributes(message.session)
        attributes["network.io.direction"] = direction
        self._messages.add(1, attributes)
        self._bytes.add(message.size, attributes)


def _attributes(session: SessionFacts, operation: str | None = None) -> Attributes:
    found: Attributes = {"rpc.system": "netconf"}
    if session.host is not None:
        found["server.address"] = session.host
    if session.port is not None:
        found["server.port"] = int(session.port)
    if session.driver is not None:
        found["ncwire.driver"] = session.driver
    if operation:
        found["rpc.method"] = operation
    return found


def _error(rpc: RPCEnd) -> str:
    if rpc.outcome != "answered":
        return rpc.outcome if rpc.error is None else type(rpc.error).__name__
    small = rpc.reply is not None and rpc.reply.size <= _LOOKED_THROUGH
    return "rpc-error" if small and rpc.has_errors else ""


def _failed(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(trace.StatusCode.ERROR)
