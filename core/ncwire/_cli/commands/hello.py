"""`ncwire hello [HOST]`: who answers, and what it can do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.text import Text

from ncwire._cli import connection_options
from ncwire._cli.terminal import console
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    import argparse


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "hello",
        help="show a server's session-id, framing and capabilities",
        description="Connect, exchange hellos, and show what the server said.",
        usage="ncwire hello [OPTION ...] [HOST]",
    )
    connection_options.add_with_optional_host_to(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Connect, close, and print what the hello said."""
    with connection_options.connect(arguments) as session:
        info = session.channel_info
        facts = {
            "host": session.host,
            "port": session.port,
            "session-id": session.id,
            "framing": connection_options.framing(session),
            "server": info.server_version if info else "",
            "driver": connection_options.driver_choice(arguments, session),
            "library": f"{info.library} {info.library_version}".strip() if info else "",
        }
        if info and info.tls_version:
            facts |= {
                "TLS": f"{info.tls_version}, {info.cipher}",
                "certificate": info.certificate_subject,
                "certificate's SHA-256": info.certificate_sha256,
            }
        capabilities = list(session.server_capabilities or ())
    if arguments.json:
        print(json.dumps({**facts, "capabilities": capabilities}, indent=2))
        return 0
    out = console()
    for name, value in facts.items():
        if value in (None, ""):  # a Unix socket has neither host nor port, and TLS names no server
            continue
        out.print(Text.assemble((f"{name}: ", "bold"), one_line(str(value))), soft_wrap=True)
    out.print(Text(f"capabilities ({len(capabilities)}):", "bold"))
    for uri in capabilities:
        out.print(Text(f"  {one_line(uri)}"), soft_wrap=True)
    return 0
