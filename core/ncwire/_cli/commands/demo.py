"""`ncwire demo`: the main job on a machine with no device, with every driver there is."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Mapping

    from ncwire import DriverSession, Reply
    from ncwire._plugins.registry import DriverStatus

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
            "Start ncwire's embedded NETCONF server, in a process of its own for each of SSH, TLS "
            "and a Unix socket that there is a driver for; connect to it with every driver that "
            "is available, and show the hello, an edit of the configuration and the reply."
        ),
    )


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it has no options
    """Start a server for each transport there is a driver for, and show each driver."""
    statuses = registry.survey()
    if not statuses:
        registry.choose()  # which says so
    with ExitStack() as stack:
        wanted = {each.transport for each in statuses if each.status == "ok"}
        ways = {name: start(stack) for name, start in _SERVERS.items() if name in wanted}
        codes = [_with_driver(status, ways) for status in statuses]
    _say("")
    if Exit.OK not in codes:
        return next(filter(None, codes), Exit.DRIVER)
    return next((code for code in codes if code not in (Exit.OK, None)), Exit.OK)


def _ssh(stack: ExitStack) -> dict[str, Any]:
    # The other commands are to start without it: it brings in `cryptography`.
    from ncwire.testing import EmbeddedServer  # noqa: PLC0415

    server = stack.enter_context(EmbeddedServer.spawn())
    # The key is known from the server itself, so it is verified as any other is; by a file, for
    # that is a way that every driver has.
    known_hosts = Path(stack.enter_context(TemporaryDirectory())) / "known_hosts"
    server.write_known_hosts(known_hosts)
    key = server.host_key
    _say(f"NETCONF server: {server.username}@{server.host} -p {server.port}")
    _say(f"its host key:   {key.type} {key.sha256}")
    return {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "password": server.password,
        "known_hosts": known_hosts,
        "allow_agent": False,
        "look_for_keys": False,
    }


def _tls(stack: ExitStack) -> dict[str, Any]:
    from ncwire.testing import EmbeddedTLSServer  # noqa: PLC0415 - as above

    server = stack.enter_context(EmbeddedTLSServer.spawn())
    _say(f"over TLS:       {server.host} -p {server.port}")
    _say(f"certificates:   {Path(server.driver_options['ca_certs']).parent}, until this ends")
    return {
        "host": server.host,
        "port": server.port,
        "driver_options": server.driver_options,
    }


def _unix(stack: ExitStack) -> dict[str, Any]:
    from ncwire.testing import EmbeddedUnixServer  # noqa: PLC0415 - as above

    server = stack.enter_context(EmbeddedUnixServer.spawn())
    _say(f"Unix socket:    {server.path}")
    return {"host": None, "driver_options": server.driver_options}


_SERVERS = {"ssh": _ssh, "tls": _tls, "unix": _unix}
"""What starts a server, by the transport: it says where that is, and returns how to connect."""


def _with_driver(status: DriverStatus, ways: Mapping[str, Mapping[str, Any]]) -> Exit | None:
    """Show one driver. Returns None if it cannot be shown, which is no failure of it."""
    console().print(Rule(Text(f"driver {status.name}", "bold"), align="left"))
    try:
        transport = registry.load(status.name).transport
    except DriverUnavailable as unavailable:
        _say(f"not available: {unavailable.reason}; {unavailable.remedy}")
        return None
    except NcwireError as error:
        return failures.tell(error)
    if transport not in ways:
        _say(f"not shown: its transport is {transport}, and there is no such server here")
        return None
    try:
        _show(status.name, ways[transport])
    except NcwireError as error:
        return failures.tell(error)
    return Exit.OK


def _show(name: str, way: Mapping[str, Any]) -> None:
    started = time.perf_counter()
    with ncwire.connect(**way, driver=name) as session:
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
