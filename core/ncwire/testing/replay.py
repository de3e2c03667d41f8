"""`Replay`: a device that answers as a recorded one did, or as it is told to."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self
from xml.etree.ElementTree import tostring

from ncwire._protocol.messages import BASE_NS, NOTIFICATION_NS, escaped
from ncwire.errors import OptionError
from ncwire.observe import Masks, Trace, read_trace
from ncwire.testing.document import DocumentError, parse, serialise
from ncwire.testing.recording import (
    Exchange,
    Recorded,
    Request,
    recorded,
    request_of,
    with_message_id,
)
from ncwire.testing.replay_session import ReplaySession
from ncwire.testing.rpc_error import RPCError
from ncwire.testing.server import EmbeddedServer
from ncwire.testing.unix_server import EmbeddedUnixServer

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from xml.etree.ElementTree import Element

    from ncwire.testing.session_runner import Stream

Matching = Literal["strict", "operations"]

_BASES: Final = ("urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1")
_CLOSE: Final = "close-session"
_DECLARATION: Final = re.compile(r"\s*<\?xml\s.*?\?>", re.DOTALL)


class ReplayError(AssertionError):
    """A replayed device was asked for what was not expected, or not for what was."""


class Expectation:
    """What is to be answered to an operation, as `Replay.expect` returns it."""

    def __init__(self, name: str, request: Request | None) -> None:
        self._name = name
        self._request = request
        self._answers: list[str] = []
        self.asked = 0
        """How often it was asked for."""

    def respond(self, *contents: str) -> Self:
        """Answer with this, the content of an `<rpc-reply>`; several are for one time each.

        The last is for all further times. Several calls go on where the one before has ended.
        Raises `OptionError` for what is not well-formed.
        """
        for each in contents:
            _check("respond", f"<x>{each}</x>")
        self._answers += contents
        return self

    def fail(self, tag: str, message: str = "", *, layer: str = "application") -> Self:
        """Answer with an `<rpc-error>`: its error-tag, error-message and error-type."""
        error = RPCError(tag, message, layer=layer).element(BASE_NS)
        return self.respond(serialise(error, BASE_NS).decode())

    def _matches(self, request: Request) -> bool:
        if self._request is None:
            return self._name == request.name
        return self._request.is_like(request)

    def _next(self) -> str:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1] if self._answers else "<ok/>"

    def __repr__(self) -> str:
        return f"<Expectation of {self._name}, asked {self.asked} times>"


class Replay:
    """A NETCONF server that plays a device: one that a trace has recorded, or a canned one.

    `trace` is a trace's file, or what `read_trace` returned; None: only what `expect` says is
    answered. The first that connects gets the first recorded session, the next the next; with
    `session`, a name in the trace, each gets that one.

    `matching`: "strict": the operations must come in the recorded order, each once.
    "operations": in any order; one that was recorded several times is answered in the recorded
    order, and then with the last again. Neither message-ids count, nor white space around texts,
    prefixes, or the order of attributes. What is hidden in the trace counts as equal; `masks` are
    those that the trace was written with (None: `Masks()`). Notifications come after the reply
    that they came after. A request without a reply in the recording gets none.

    A request that does not fit is answered with an `<rpc-error>` that says what was expected, and
    is one of the `failures`: `check`, and the end of the `with` block, raise `ReplayError` for
    them. `<close-session>` is answered in any case.

    `transport`: "unix", or "ssh" for clients that are not ncwire; `parameters` are those by which
    `ncwire.connect` gets there, and `server` is the embedded server. `capabilities` are further
    URIs for the hello of a device without a trace.

    Raises `TraceError` for a trace that cannot be played, `OptionError`, OSError.
    """

    def __init__(
        self,
        trace: str | os.PathLike[str] | Trace | None = None,
        *,
        matching: Matching = "strict",
        session: str | None = None,
        masks: Masks | None = None,
        capabilities: Iterable[str] = (),
        transport: Literal["unix", "ssh"] = "unix",
    ) -> None:
        if matching not in ("strict", "operations"):
            raise OptionError("matching", f"must be 'strict' or 'operations', not {matching!r}")
        if transport not in ("unix", "ssh"):
            raise OptionError("transport", f"must be 'unix' or 'ssh', not {transport!r}")
        if trace is not None and not isinstance(trace, Trace):
            trace = read_trace(trace)
        self._sessions = [] if trace is None else recorded(trace, session)
        self._repeats = session is not None
        self._strict = matching == "strict"
        self._masks = Masks() if masks is None else masks
        self._hello = _hello((*_BASES, *capabilities))
        self._lock = threading.Lock()
        self._begun = 0
        self._expectations: list[Expectation] = []
        self._failures: list[str] = []
        self._unplayed: dict[int, list[Exchange]] = {}
        self._open: list[ReplaySession] = []
        self.server: EmbeddedServer | EmbeddedUnixServer
        self.parameters: dict[str, Any]
        if transport == "ssh":
            self.server = ssh = EmbeddedServer(script=self._hold)
            self.parameters = {
                "host": ssh.host,
                "port": ssh.port,
                "username": ssh.username,
                "password": ssh.password,
                "hostkey_b64": ssh.host_key.base64,
                "allow_agent": False,
                "look_for_keys": False,
            }
        else:
            self.server = unix = EmbeddedUnixServer(script=self._hold)
            self.parameters = {
                "host": None,
                "driver": "unix",
                "driver_options": dict(unix.driver_options),
            }

    def expect(self, operation: str | Element) -> Expectation:
        """Have an operation answered; say how with `respond` or `fail` of what is returned.

        `operation` is its XML, or its local name alone, which stands for any with that name. What
        is expected so goes before the trace, and the latest before all others. Without more it is
        answered with `<ok/>`. Raises `OptionError` for what is neither.
        """
        if isinstance(operation, str) and "<" not in operation and operation.strip():
            expectation = Expectation(operation.strip(), None)
        else:
            text = operation if isinstance(operation, str) else tostring(operation, "unicode")
            _check("expect", text)
            # As it stands in an <rpc>, whose namespace it has where it has none of its own.
            body = _DECLARATION.sub("", text)
            request = request_of(f'<rpc xmlns="{BASE_NS}">{body}</rpc>')[1]
            expectation = Expectation(request.name, request)
        with self._lock:
            self._expectations.insert(0, expectation)
        return expectation

    def notify(self, content: str, at: str = "2000-01-01T00:00:00Z") -> int:
        """Send a notification to all open sessions; return how many those are.

        `content` is the event, or a whole `<notification>`; `at` its eventTime. Raises
        `OptionError` for what is not well-formed.
        """
        root = _check("notify", content)
        message = content
        if root.tag != f"{{{NOTIFICATION_NS}}}notification":
            message = (
                f'<notification xmlns="{NOTIFICATION_NS}"><eventTime>{escaped(at)}</eventTime>'
                f"{content}</notification>"
            )
        with self._lock:
            sessions = list(self._open)
        sent = 0
        for each in sessions:
            try:
                each.send(message)
                sent += 1
            except ConnectionError:
                continue  # it has gone meanwhile
        return sent

    @property
    def failures(self) -> tuple[str, ...]:
        """What was asked for and did not fit, each with what was expected."""
        with self._lock:
            return tuple(self._failures)

    @property
    def unplayed(self) -> tuple[str, ...]:
        """What was recorded, and was not asked for by who has connected."""
        with self._lock:
            return tuple(
                each.request.shown()
                for left in self._unplayed.values()
                for each in left
                if each.request.name != _CLOSE
            )

    def check(self) -> None:
        """Raise `ReplayError` if a request did not fit, or with strict matching one is left."""
        problems = list(self.failures)
        if self._strict:
            problems += self._not_asked_for()
        if problems:
            raise ReplayError("replay: " + "\n".join(problems))

    def _not_asked_for(self) -> list[str]:
        """Tell the first request of each session that is left, and of the others the names."""
        with self._lock:
            left = [
                [e.request for e in each if e.request.name != _CLOSE]
                for each in self._unplayed.values()
            ]
        told = []
        for first, *others in filter(None, left):
            after = ", ".join(f"<{each.name}>" for each in others)
            told.append(f"not asked for: {first.shown()}{after and f', and after it {after}'}")
        return told

    def close(self) -> None:
        """Cut all connections, and listen no more. Idempotent; raises nothing about failures."""
        self.server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if error is None:
            self.check()

    def _hold(self, stream: Stream) -> None:
        with self._lock:
            number, self._begun = self._begun, self._begun + 1
            session = self._recorded(number)
            left = [] if session is None else list(session.exchanges)
            self._unplayed[number] = left
        if session is None:
            held = ReplaySession(stream, self._hello, ())
        else:
            held = ReplaySession(stream, session.hello, session.first)
        with self._lock:
            self._open.append(held)
        try:
            held.serve(lambda message: self._answer(message, session, left))
        finally:
            with self._lock:
                self._open.remove(held)

    def _recorded(self, number: int) -> Recorded | None:
        sessions = self._sessions
        if not sessions:
            return None
        if self._repeats or not self._strict:
            return sessions[min(number, len(sessions) - 1)]
        if number < len(sessions):
            return sessions[number]
        self._failures.append(f"expected {len(sessions)} sessions; got one more")
        return Recorded("", self._hello)

    def _answer(
        self, message: bytes, session: Recorded | None, left: list[Exchange]
    ) -> tuple[Sequence[str], bool]:
        try:
            attributes, asked = request_of(message)
            masked = self._masks.document(message)
            # What secrets cannot be hidden in, as in UTF-16, is not shown.
            request = replace(asked, text="") if masked is None else request_of(masked)[1]
        except DocumentError as error:
            return [
                self._unmet({}, f"expected an <rpc>; got a message that is none: {error}")
            ], False
        given = attributes.get("message-id")
        message_id = None if given is None else escaped(given)
        with self._lock:
            expectation = next((e for e in self._expectations if e._matches(asked)), None)  # noqa: SLF001 - its own
            if expectation is not None:
                return [_reply(attributes, expectation._next())], request.name == _CLOSE  # noqa: SLF001 - as above
            exchange = self._played(request, session, left)
        if exchange is not None and not exchange.missing:
            answers = exchange.replies
            return [with_message_id(each, message_id) for each in answers], request.name == _CLOSE
        if request.name == _CLOSE:
            return [_reply(attributes, "<ok/>")], True
        if exchange is not None:
            why = f"the reply to {request.shown()} is not in the trace: it is {exchange.missing}"
            return [self._unmet(attributes, why)], False
        return [self._unmet(attributes, self._expected(request, session, left))], False

    def _played(
        self, request: Request, session: Recorded | None, left: list[Exchange]
    ) -> Exchange | None:
        if session is None:
            return None
        if self._strict:
            return left.pop(0) if left and left[0].request.is_like(request) else None
        for each in left:
            if each.request.is_like(request):
                left.remove(each)
                return each
        for each in reversed(session.exchanges):
            if each.request.is_like(request):
                return each
        return None

    def _expected(self, request: Request, session: Recorded | None, left: list[Exchange]) -> str:
        told = [f"<{each._name}>" for each in self._expectations]  # noqa: SLF001 - its own
        if session is not None and self._strict and left:
            number = len(session.exchanges) - len(left) + 1
            of = f"rpc {number} of {len(session.exchanges)} of session {session.name}"
            return f"expected {', or '.join([*told, of])}, {left[0].request.besides(request)}"
        if session is not None and self._strict:
            told.append("no rpc more")
        elif session is not None:
            for each in session.exchanges:
                if each.request.name == request.name:
                    return f"expected {each.request.besides(request)}"
            told += dict.fromkeys(f"<{each.request.name}>" for each in session.exchanges)
        return f"expected {', or '.join(told) or 'nothing'}; got {request.shown()}"

    def _unmet(self, attributes: dict[str, str], problem: str) -> str:
        with self._lock:
            self._failures.append(problem)
        error = RPCError("operation-failed", f"replay: {problem}", layer="application")
        return _reply(attributes, serialise(error.element(BASE_NS), BASE_NS).decode())


def _reply(attributes: dict[str, str], content: str) -> str:
    # Additional attributes of the rpc are returned in the reply (RFC 6241 section 4.2).
    given = attributes.get("message-id")
    ident = "" if given is None else f' message-id="{escaped(given)}"'
    return f'<rpc-reply xmlns="{BASE_NS}"{ident}>{content}</rpc-reply>'


def _hello(uris: Iterable[str]) -> str:
    listed = "".join(f"<capability>{escaped(uri)}</capability>" for uri in uris)
    return (
        f'<hello xmlns="{BASE_NS}"><capabilities>{listed}</capabilities>'
        "<session-id>1</session-id></hello>"
    )


def _check(option: str, document: str) -> Element:
    try:
        return parse(document.encode())
    except (DocumentError, ValueError) as error:
        raise OptionError(option, f"is no XML element: {error}") from error
