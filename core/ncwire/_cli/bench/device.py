"""`ncwire bench HOST`: what is sent to a device, which must never change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from ncwire._cli import connection_options, documents, failures
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import write_document
from ncwire._plugins import url
from ncwire.bench import contestants, measures
from ncwire.bench.run import Run
from ncwire.bench.servers import DEVICE
from ncwire.bench.target import Target
from ncwire.errors import DriverError, NoCommonAlgorithmError, OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ncwire import DriverSession
    from ncwire._cli.bench.outcome import Outcome
    from ncwire._plugins.registry import DriverStatus
    from ncwire.bench.record import Absence
    from ncwire.bench.settings import Settings

NOTHING = '<get-config><source><running/></source><filter type="subtree"/></get-config>'
"""An empty filter selects nothing (RFC 6241 section 6.4.2): the least that can be asked."""

ONLY = (measures.CONNECT, measures.LATENCY, measures.THROUGHPUT)
"""What is measured by default; the last two are one, by the size of the reply."""

_DATASTORES = ("running", "candidate", "startup")
_NOWHERE = Target("", 0, "", "", "")  # the drivers have the connection's parameters instead


def add_to(group: argparse._ArgumentGroup) -> None:
    """Add what says which rpc is sent."""
    operation = group.add_mutually_exclusive_group()
    operation.add_argument(
        "--rpc",
        metavar="FILE",
        help="the element inside <rpc>, whose name must be get or begin with get-; - is stdin",
    )
    operation.add_argument(
        "--get-config",
        metavar="SOURCE",
        choices=_DATASTORES,
        help="the configuration: " + ", ".join(_DATASTORES),
    )


def run(
    arguments: argparse.Namespace,
    drivers: Sequence[DriverStatus],
    absent: Sequence[Absence],
    settings: Settings,
    outcome: Outcome,
) -> int:
    """Try the rpc once, say what will be sent and how often, and measure."""
    operation, name = _operation(arguments)
    session, parameters = _first_session(arguments, drivers)
    parameters.pop("driver", None)
    try:
        reply = session.rpc(operation)
    finally:
        session.close_session()
    if documents.has_rpc_error(reply.raw):
        failures.warn("the device refuses the rpc that was to be measured")
        write_document(reply.raw)
        return Exit.RPC_ERROR
    size = len(reply.raw.encode())
    server = {
        "kind": DEVICE,
        "about": arguments.host + ("" if session.port is None else f", port {session.port}"),
        "operation": operation,
    }
    outcome.check(server)
    wanted = measures.on_device(operation, size, settings)
    run = Run(
        server,
        contestants.sessions(drivers, parameters),
        absent,
        measures.chosen(wanted, arguments.only or ONLY),
        settings,
        after_turn=("close",),  # devices have few sessions
    )
    failures.note(_announcement(arguments.host, name, size, run))
    return outcome.of(run, _NOWHERE)


def _operation(arguments: argparse.Namespace) -> tuple[str, str]:
    """Return the operation and its name. Raises `OptionError` for one that may change things."""
    if arguments.get_config is not None:
        source = f"<source><{arguments.get_config}/></source>"
        return f"<get-config>{source}</get-config>", "get-config"
    if arguments.rpc is None:
        return NOTHING, "get-config"
    document = documents.operation(arguments.rpc)
    try:
        root = fromstring(document, forbid_dtd=True)
        text = document.decode()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise OptionError("--rpc", f"this is no XML: {error}") from None
    name = str(root.tag).rpartition("}")[2]
    if name != "get" and not name.startswith("get-"):
        raise OptionError(
            "--rpc",
            f"<{name}> is not sent: it would be sent thousands of times, and only operations "
            "called get, or get-..., are known to change nothing",
        )
    return text, name


def _first_session(
    arguments: argparse.Namespace, drivers: Sequence[DriverStatus]
) -> tuple[DriverSession, dict[str, Any]]:
    """Return a session by the first driver that can, and what the others connect with."""
    names = [driver.name for driver in drivers]
    in_url = url.is_url(arguments.host) and url.parse(arguments.host).driver is not None
    for name in names[:-1]:
        arguments.driver = name
        try:
            return connection_options.repeatable(arguments, names)
        except (DriverError, NoCommonAlgorithmError):
            continue  # it fails in its own row, too
    # What a URL names is not given besides, and it is the only one then.
    arguments.driver = None if in_url else names[-1]
    return connection_options.repeatable(arguments, names)


def _announcement(host: str, name: str, size: int, run: Run) -> str:
    settings = run.settings
    what = {
        measures.CONNECT: f"up to {settings.connections} connections, one after the other, "
        "and one more at first",
        measures.LATENCY: f"<{name}> for {settings.seconds:g} s, one after the other",
        measures.THROUGHPUT: f"<{name}> for {settings.seconds:g} s, one after the other",
        measures.PIPELINED: f"<{name}> for {settings.seconds:g} s, {settings.window} in flight",
    }
    drivers = ", ".join(contestant.name for _, contestant in run.taking_part)
    each = "; ".join(what[event.measure] for event in run.events)
    return (
        f"{host} gets, {settings.rounds} times from each driver ({drivers}): {each}. There is one "
        f"session at a time, a reply has {size} bytes, and nothing is changed."
    )
