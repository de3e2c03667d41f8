"""The `ncwire` command: look at devices, send rpcs by hand, see which drivers there are."""

from __future__ import annotations

import argparse
import sys
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, Final

from ncwire._cli import failures, tracing
from ncwire._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMANDS: Final[Mapping[str, str]] = {
    "drivers": "commands.drivers",
    "profiles": "commands.profiles",
    "devices": "devices",
    "check": "commands.check",
    "probe": "commands.probe",
    "hello": "commands.hello",
    "rpc": "commands.rpc",
    "listen": "commands.listen",
    "trace": "commands.trace",
    "demo": "commands.demo",
    "conform": "commands.conform",
    "new-driver": "commands.new_driver",
    "bench": "bench.command",
}
"""Each command, and the module that has it, in the order of the help."""
_CONNECT: Final = frozenset({"check", "probe", "hello", "rpc", "listen", "demo"})
"""The commands that talk to devices. bench and conform have sessions in other processes, too, and
the time that a trace takes is not to be measured."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: the process's), and return its exit code.

    Prints failures to stderr, in one sentence each; raises SystemExit, as argparse does, for
    what is no command line and after --help and --version.
    """
    given = sys.argv[1:] if argv is None else argv
    arguments = _parser(given[:1]).parse_args(given)

    def run() -> int:
        with tracing.traced(getattr(arguments, "trace", None)):
            return int(arguments.run(arguments))

    return failures.presented(run, debug=bool(arguments.debug))


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line that begins so.

    With a command's name it knows no other command: their modules are half of the time that
    `ncwire` takes to start (0.41 s of CPU with all, 0.22 s with `rpc` alone).
    """
    parser = argparse.ArgumentParser(
        prog="ncwire",
        description="NETCONF over SSH, TLS and Unix sockets, by interchangeable drivers.",
        epilog=failures.exit_codes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ncwire {__version__}")
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _COMMANDS.keys() & first or _COMMANDS:
        module = import_module(f"{__name__}.{_COMMANDS[name]}")
        subcommand = module.add_to(subcommands)
        subcommand.set_defaults(run=module.run)
        codes = failures.exit_codes(getattr(module, "EXITS", failures.Exit))
        epilog = ((subcommand.epilog or "").rstrip(), codes)
        subcommand.epilog = "\n\n".join(filter(None, epilog))
        subcommand.description = _filled(subcommand.description or "")
        subcommand.formatter_class = argparse.RawDescriptionHelpFormatter
        subcommand.allow_abbrev = False
        if name in _CONNECT:
            tracing.add_to(subcommand)
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
