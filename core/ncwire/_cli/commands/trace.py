"""`ncwire trace FILE`: what was said in a trace, and what took how long."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ncwire._cli.failures import Exit, warn
from ncwire._cli.terminal import console, show_document
from ncwire._session.reply import Reply
from ncwire.errors import NcwireError, OptionError
from ncwire.errors.printable import one_line
from ncwire.observe import read_trace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from ncwire.observe import TraceEvent

EXITS = (Exit.OK, Exit.USAGE, Exit.INTERNAL, Exit.INTERRUPTED, Exit.OUTPUT_CLOSED)

_ARROWS = {"sent": "->", "received": "<-"}
_DECIMAL = 1000
_OF_THE_SESSION = ("step", "connected", "connect failed", "ended")
_OUR_END = "session closed by us"


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "trace",
        help="show a trace: what was said, and what took how long",
        description=(
            "Show what --trace FILE, or a program with NCWIRE_TRACE=FILE, has written: each "
            "session's steps of connecting with their times, its messages in their order, its "
            "end, and how long each kind of rpc took. The first column is seconds from the "
            "trace's beginning. Of the rpcs those that failed had an rpc-error, or no reply: the "
            "time of these is how long they were waited for."
        ),
    )
    parser.add_argument("file", metavar="FILE", help="the trace")
    parser.add_argument(
        "-m", "--messages", action="store_true", help="show the messages themselves, laid out"
    )
    parser.add_argument(
        "--session", metavar="NAME", help="show this session alone; its name is in the heading"
    )
    parser.add_argument(
        "--times", action="store_true", help="show no messages, but what took how long"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Read the trace, and print it."""
    trace = read_trace(arguments.file)
    if arguments.session is not None and arguments.session not in trace.sessions:
        there = ", ".join(trace.sessions) or "none"
        raise OptionError("--session", f"{arguments.session!r} is not in it; there are: {there}")
    out = console()
    names = trace.sessions if arguments.session is None else (arguments.session,)
    for name in names:
        if name != names[0]:
            out.print()
        _show(out, name, trace.of(name), arguments)
    if len(names) > 1:
        out.print()
        _sessions(out, [trace.of(name) for name in names])
    if trace.is_cut:
        warn("a line of the trace is not complete, and was left out")
    return Exit.OK


def _show(
    out: Console, name: str, events: Sequence[TraceEvent], arguments: argparse.Namespace
) -> None:
    out.print(Text(f"session {_line(name)}: {_where(events[0])}", "bold"), soft_wrap=True)
    _print(out, events[0], f"began {_line(events[0].wall)}", "dim")
    reader = _Reader()
    for event in events:
        told = reader.told(event)
        if not told or (arguments.times and event.event not in _OF_THE_SESSION):
            continue
        _print(out, event, told)
        if arguments.messages and event.event in _ARROWS and event.body is not None:
            show_document(event.body)
    _rpcs(out, [event for event in events if event.event == "rpc ended"])


def _print(out: Console, event: TraceEvent, told: str, style: str = "") -> None:
    out.print(Text(f"{event.seconds:10.3f}  {told}", style), soft_wrap=True)


def _where(event: TraceEvent) -> str:
    facts = event.facts
    host, port, driver = (facts.get(name) for name in ("host", "port", "driver"))
    parts = [] if host is None else [f"{host}, port {port}" if port is not None else str(host)]
    if driver is not None:
        parts.append(f"driver {driver}")
    return _line(", ".join(parts) or "over a channel of the program's own")


class _Reader:
    """Tells the events of a session, one after another: some say more by what came before."""

    def __init__(self) -> None:
        self._operations: dict[str, str] = {}
        self._sent: dict[str, float] = {}
        self._replies: dict[str, str] = {}
        self._errors: set[str] = set()

    def told(self, event: TraceEvent) -> str:
        """Return an event's line; "" where there is nothing to say of it."""
        ident = str(event.facts.get("message_id"))
        match event.event:
            case "rpc":
                self._operations[ident] = str(event.facts.get("operation") or "")
                return ""
            case "sent" | "received":
                return self._message(event, ident)
            case "rpc ended":
                return self._unusual(event, ident)
            case "keepalive":
                return "-> keepalive"
        return _line(self._of_the_session(event))

    def _of_the_session(self, event: TraceEvent) -> str:
        facts = event.facts
        seconds = _seconds(facts.get("seconds"))
        match event.event:
            case "step":
                at = f" at {facts['jump_host']}" if facts.get("jump_host") else ""
                return f"step: {facts.get('name')}{at}, {seconds}{self._because('error', facts)}"
            case "connected":
                number = facts.get("session_id")
                named = "" if number is None else f", session-id {number}"
                return f"connected after {seconds}{named}"
            case "connect failed":
                return f"not connected, after {seconds}{self._because('error', facts)}"
            case "ended":
                return f"ended{self._because('cause', facts)}"
        return ""

    def _message(self, event: TraceEvent, ident: str) -> str:
        facts = event.facts
        kind = str(facts.get("kind") or "?")
        parts = [_ARROWS[event.event], kind]
        after = ""
        if facts.get("message_id") is not None:
            parts += [ident, self._operations.get(ident, "")]
            if event.event == "sent":
                self._sent[ident] = event.seconds
            elif ident in self._sent:
                after = f", after {_seconds(event.seconds - self._sent.pop(ident))}"
        if kind == "rpc-reply" and event.body is not None:
            self._replies[ident] = event.body
        hidden = f", {facts['hidden']}" if facts.get("hidden") else ""
        named = " ".join(filter(None, parts))
        return _line(f"{named}, {_bytes(facts.get('size'))}{hidden}{after}")

    def _unusual(self, event: TraceEvent, ident: str) -> str:
        facts = event.facts
        reply = self._replies.pop(ident, None)
        named = f"{facts.get('operation') or 'rpc'} {ident}"
        if facts.get("outcome") != "answered":
            after = _seconds(facts.get("seconds"))
            told = f"{named} {facts.get('outcome')} after {after}"
            return _line(told + self._because("error", facts))
        return _line(f"{named} has an rpc-error{_first_error(reply)}") if _failed(event) else ""

    def _because(self, name: str, facts: Mapping[str, Any]) -> str:
        error = facts.get(name)
        if not isinstance(error, dict):
            return ""
        kind, text = str(error.get("type")), str(error.get("text"))
        if kind == "SessionCloseError" and text.startswith(_OUR_END):
            return f": {text}"
        # A step, the connect and the session fail with one error.
        if text in self._errors:
            return f": {kind}, as above"
        self._errors.add(text)
        return f": {kind}: {text}"


def _first_error(reply: str | None) -> str:
    if reply is None:
        return ""
    try:
        found = Reply(reply, ("", {}), None)
        error = (*found.errors, *found.warnings)[0]
    except (NcwireError, IndexError):
        return ""
    return f": {error.tag}{f': {error.message}' if error.message else ''}"


def _failed(event: TraceEvent) -> bool:
    return event.facts.get("outcome") != "answered" or bool(event.facts.get("errors"))


def _rpcs(out: Console, ended: Iterable[TraceEvent]) -> None:
    """Print what each kind of rpc took, the slowest kind first."""
    taken: dict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    for event in ended:
        seconds = event.facts.get("seconds")
        if event.facts.get("outcome") != "unsent" and isinstance(seconds, int | float):
            operation = str(event.facts.get("operation") or "rpc")
            taken[operation].append(float(seconds))
            failed[operation] += _failed(event)
    if not taken:
        return
    out.print(Text("  rpcs, by their time in all:", "bold"))
    heading = ("all", "mean", "longest")
    columns = " ".join(f"{each:>10}" for each in heading)
    out.print(Text(f"  {'operation':28} {'count':>6} {'failed':>6} {columns}"), soft_wrap=True)
    for operation, times in sorted(taken.items(), key=lambda each: -sum(each[1])):
        whole = sum(times)
        shown = (_seconds(each) for each in (whole, whole / len(times), max(times)))
        columns = " ".join(f"{each:>10}" for each in shown)
        counts = f"{len(times):6} {failed[operation] or '':>6}"
        out.print(Text(f"  {_line(operation)[:28]:28} {counts} {columns}"), soft_wrap=True)


def _sessions(out: Console, sessions: Iterable[Sequence[TraceEvent]]) -> None:
    """Print a line of each session, so that the slow one of many is found."""
    out.print(Text("sessions:", "bold"))
    heading = f"{'connected':>10} {'rpcs':>5} {'failed':>6} {'their time':>10}"
    out.print(Text(f"  {'session':13} {'host':27} {heading}"))
    for events in sessions:
        connected = "no"
        for event in events:
            if event.event == "connected":
                connected = _seconds(event.facts.get("seconds"))
        ended = [event for event in events if event.event == "rpc ended"]
        times = [event.facts.get("seconds") for event in ended]
        whole = _seconds(sum(each for each in times if isinstance(each, int | float)))
        failed = sum(map(_failed, ended)) or ""
        host, port = (events[0].facts.get(each) for each in ("host", "port"))
        peer = _line(f"{host}:{port}" if host is not None else str(events[0].facts.get("driver")))
        named = f"{_line(events[0].session)[:13]:13} {peer[-27:]:27}"
        out.print(Text(f"  {named} {connected:>10} {len(ended):5} {failed:>6} {whole:>10}"))


def _seconds(value: Any) -> str:
    if not isinstance(value, int | float):
        return "?"
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def _bytes(size: Any) -> str:
    if not isinstance(size, int):
        return "? bytes"
    if size < 10 * _DECIMAL:
        return f"{size} bytes"
    if size < 10 * _DECIMAL**2:
        return f"{size // _DECIMAL} kB"
    return f"{size // _DECIMAL**2} MB"


def _line(text: str) -> str:
    return one_line(text)
