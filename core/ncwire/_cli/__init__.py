"""The `ncwire` command: look at devices, send rpcs by hand, see which drivers there are."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING

from ncwire._cli import devices, failures
from ncwire._cli.bench import command as bench
from ncwire._cli.commands import (
    check,
    conform,
    demo,
    drivers,
    hello,
    listen,
    new_driver,
    probe,
    profiles,
    rpc,
)
from ncwire._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: the process's), and return its exit code.

    Prints failures to stderr, in one sentence each; raises SystemExit, as argparse does, for
    what is no command line and after --help and --version.
    """
    arguments = _parser().parse_args(argv)
    return failures.presented(lambda: int(arguments.run(arguments)), debug=bool(arguments.debug))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ncwire",
        description="NETCONF over SSH, TLS and Unix sockets, by interchangeable drivers.",
        epilog=failures.exit_codes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ncwire {__version__}")
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (
        *(drivers, profiles, devices, check),
        *(probe, hello, rpc, listen, demo, conform, new_driver, bench),
    ):
        subcommand = module.add_to(subcommands)
        subcommand.set_defaults(run=module.run)
        codes = failures.exit_codes(getattr(module, "EXITS", failures.Exit))
        epilog = ((subcommand.epilog or "").rstrip(), codes)
        subcommand.epilog = "\n\n".join(filter(None, epilog))
        subcommand.description = _filled(subcommand.description or "")
        subcommand.formatter_class = argparse.RawDescriptionHelpFormatter
        subcommand.allow_abbrev = False
        subcommand.add_argument(
            "--debug",
            action="store_true",
            help="log every step to stderr, and show the traceback of a failure",
        )
    return parser


def _filled(text: str) -> str:
    """Return paragraphs as lines that fit a terminal: they are shown as they stand."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(each.split()), 80) for each in paragraphs)
