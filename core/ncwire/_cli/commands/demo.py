"""`ncwire demo`: the main job on a machine with no device, with every driver there is."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.rule import Rule
from rich.text import Text

import ncwire
from ncwire._cli import connection_options, documents, failures
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console, printable, show_document
from ncwire._plugins import registry
from ncwire.errors import DriverUnavailable, NcwireError, SessionError

if TYPE_CHECKING:
    import argparse

    from ncwire import DriverSession, Reply
    from ncwire.testing import ServerProcess

_EDIT = """
<edit-config>
  <target><candidate/></target>
  <config>
    <system xmlns="urn:example:system">
      <contact>edited with driver {driver}</contact>
    </system>
  </config>
</edit-config>
"""
_GET_CONFIG = "<get-config><source><running/></source></get-config>"
_RPCS = 100


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    return subcommands.add_parser(
        "demo",
        help="start a server, and talk to it with every driver",
        description=(
            "Start ncwire's embedded NETCONF server on the loopback interface, in a process of "
            "its own; connect to it with every driver that is available, and show the hello, "
            "an edit of the configuration and the reply."
        ),
    )


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it has no options
    """Start the server, and show each driver."""
    # Those that are broken tell no transport, and are shown with the reason.
    statuses = [each for each in registry.survey() if each.transport in {"ssh", ""}]
    if not statuses:
        registry.choose()  # which says so
    # The other commands are to start without it: it brings in `cryptography`.
    from ncwire.testing import EmbeddedServer  # noqa: PLC0415

    with EmbeddedServer.spawn() as server, TemporaryDirectory() as folder:
        key = server.host_key
        # The key is known from the server itself, so it is verified as any other is; by a file,
        # for that is a way that every driver has.
        known_hosts = Path(folder) / "known_hosts"
        server.write_known_hosts(known_hosts)
        _say(f"NETCONF server: {server.username}@{server.host} -p {server.port}")
        _say(f"its host key:   {key.type} {key.sha256}")
        codes = [_with_driver(status.name, server, known_hosts) for status in statuses]
    _say("")
    if Exit.OK not in codes:
        return next(filter(None, codes), Exit.DRIVER)
    return next((code for code in codes if code not in (Exit.OK, None)), Exit.OK)


def _with_driver(name: str, server: ServerProcess, known_hosts: Path) -> Exit | None:
    """Show one driver. Returns None if it is not available, which is no failure of it."""
    console().print(Rule(Text(f"driver {name}", "bold"), align="left"))
    try:
        registry.load(name)
    except DriverUnavailable as unavailable:
        _say(f"not available: {unavailable.reason}; {unavailable.remedy}")
        return None
    except NcwireError as error:
        return failures.tell(error)
    try:
        _show(name, server, known_hosts)
    except NcwireError as error:
        return failures.tell(error)
    return Exit.OK


def _show(name: str, server: ServerProcess, known_hosts: Path) -> None:
    started = time.perf_counter()
    with ncwire.connect(
        server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        known_hosts=known_hosts,
        allow_agent=False,
        look_for_keys=False,
        driver=name,
    ) as session:
        _say(f"connected in {1000 * (time.perf_counter() - started):.0f} ms")
        _say(f"hello: session-id {session.id}, {connection_options.framing(session)} framing")
        for uri in session.server_capabilities or ():
            _say(f"  {uri}")
        _say("edit-config of <candidate>, commit:")
        _checked(session.rpc(_EDIT.format(driver=name)))
        show_document(_checked(session.rpc("<commit/>")).raw)
        _say("get-config of <running>:")
        show_document(_checked(session.rpc(_GET_CONFIG)).raw)
        _say(f"one rpc: {_milliseconds(session):.2f} ms, the median of {_RPCS}")


def _checked(reply: Reply) -> Reply:
    if documents.has_rpc_error(reply.raw):
        raise SessionError(f"the reply has an <rpc-error>: {reply.raw}")
    return reply


def _milliseconds(session: DriverSession) -> float:
    times = []
    for _ in range(_RPCS):
        started = time.perf_counter()
        session.rpc(_GET_CONFIG)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def _say(text: str) -> None:
    console().print(Text(printable(text)), soft_wrap=True)
