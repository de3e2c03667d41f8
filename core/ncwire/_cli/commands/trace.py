"""`ncwire trace FILE`: what was said in a trace, and what took how long."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ncwire._cli.failures import Exit, warn
from ncwire._cli.terminal import console, show_document
from ncwire.errors import OptionError
from ncwire.errors.printable import one_line
from ncwire.observe import read_trace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from ncwire.observe import TraceEvent

EXITS = (Exit.OK, Exit.USAGE, Exit.INTERNAL, Exit.INTERRUPTED, Exit.OUTPUT_CLOSED)

_ARROWS = {"sent": "->", "received": "<-"}
_DECIMAL = 1000


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
            "end, and how long each kind of rpc took. Times count from the trace's beginning, "
            "in seconds. Secrets are not in the file."
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
        names = ", ".join(trace.sessions) or "none"
        raise OptionError("--session", f"{arguments.session!r} is not in it; there are: {names}")
    out = console()
    for name in trace.sessions if arguments.session is None else (arguments.session,):
        _show(out, name, trace.of(name), arguments)
    if trace.is_cut:
        warn("a line of the trace is not complete, and was left out")
    return Exit.OK


def _show(
    out: Console, name: str, events: Sequence[TraceEvent], arguments: argparse.Namespace
) -> None:
    first = events[0]
    out.print(Text(f"session {_line(name)}: {_where(first)}", "bold"), soft_wrap=True)
    out.print(Text(f"  began {_line(first.wall)}", "dim"))
    for event in events:
        if event.event in ("step", "connected", "connect failed", "ended"):
            _print(out, event, _told(event))
        elif not arguments.times and event.event in (*_ARROWS, "keepalive"):
            _print(out, event, _told(event))
            if arguments.messages and event.body is not None:
                show_document(event.body)
        elif not arguments.times and event.event == "rpc ended":
            told = _unusual(event)
            if told:
                _print(out, event, told)
    _rpcs(out, [event for event in events if event.event == "rpc ended"])
    out.print()


def _print(out: Console, event: TraceEvent, told: str) -> None:
    out.print(Text(f"{event.seconds:10.3f}  {told}"), soft_wrap=True)


def _where(event: TraceEvent) -> str:
    facts = event.facts
    host, port, driver = (facts.get(name) for name in ("host", "port", "driver"))
    parts = [] if host is None else [f"{host}, port {port}" if port is not None else str(host)]
    if driver is not None:
        parts.append(f"driver {driver}")
    return _line(", ".join(parts) or "over a channel of the program's own")


def _told(event: TraceEvent) -> str:
    facts = event.facts
    match event.event:
        case "step":
            at = f" at {facts['jump_host']}" if facts.get("jump_host") else ""
            told = f"step: {facts.get('name')}{at}, {_seconds(facts.get('seconds'))}"
            return _line(told + _because(facts.get("error")))
        case "connected":
            ident = facts.get("session_id")
            named = "" if ident is None else f", session-id {ident}"
            return _line(f"connected after {_seconds(facts.get('seconds'))}{named}")
        case "connect failed":
            after = _seconds(facts.get("seconds"))
            return _line(f"not connected, after {after}{_because(facts.get('error'))}")
        case "ended":
            return _line(f"ended{_because(facts.get('cause'))}")
        case "keepalive":
            return "-> keepalive"
    kind = str(facts.get("kind") or "?")
    ident = facts.get("message_id")
    named = "" if ident is None else f" {ident}"
    hidden = f", {facts['hidden']}" if facts.get("hidden") else ""
    return _line(f"{_ARROWS[event.event]} {kind}{named}, {_bytes(facts.get('size'))}{hidden}")


def _unusual(event: TraceEvent) -> str:
    facts = event.facts
    named = f"{facts.get('operation') or 'rpc'} {facts.get('message_id')}"
    if facts.get("outcome") != "answered":
        return _line(f"{named} {facts.get('outcome')}{_because(facts.get('error'))}")
    return _line(f"{named} has an rpc-error") if facts.get("errors") else ""


def _rpcs(out: Console, ended: Iterable[TraceEvent]) -> None:
    """Print what each kind of rpc took, the slowest kind first."""
    taken: dict[str, list[float]] = defaultdict(list)
    for event in ended:
        seconds = event.facts.get("seconds")
        if event.facts.get("outcome") == "answered" and isinstance(seconds, int | float):
            taken[str(event.facts.get("operation") or "rpc")].append(float(seconds))
    if not taken:
        return
    out.print(Text("  rpcs, by their time in all:", "bold"))
    head = f"  {'operation':28} {'count':>6} {'all':>10} {'mean':>10} {'longest':>10}"
    out.print(Text(head), soft_wrap=True)
    for operation, times in sorted(taken.items(), key=lambda each: -sum(each[1])):
        whole = sum(times)
        shown = (_seconds(each) for each in (whole, whole / len(times), max(times)))
        columns = " ".join(f"{each:>10}" for each in shown)
        row = f"  {_line(operation)[:28]:28} {len(times):6} {columns}"
        out.print(Text(row), soft_wrap=True)


def _because(error: Any) -> str:
    if not isinstance(error, dict):
        return ""
    return f": {error.get('type')}: {error.get('text')}"


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
