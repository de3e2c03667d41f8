"""`ncwire conform`: whether a driver keeps the contract, rule by rule."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from ncwire._cli.failures import Exit
from ncwire.errors import DriverUnavailable

if TYPE_CHECKING:
    import argparse


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "conform",
        help="run the conformance kit for a driver",
        description=(
            "Test a driver against every rule of the driver contract, with servers of ncwire's "
            "own on the loopback interface, and show each rule's result."
        ),
    )
    parser.add_argument("driver", metavar="NAME", help="a registered name, or MODULE:CLASS")
    parser.add_argument(
        "-k", dest="expression", metavar="EXPR", help="only the tests that match, as pytest's -k"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show each test, and where it failed"
    )
    parser.add_argument(
        "--target",
        choices=("ssh", "plain"),
        default="ssh",
        help="what it connects to: an SSH server (default), or TCP in the clear",
    )
    parser.add_argument("--json", metavar="FILE", help="write the results to a file, for programs")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the kit in a process of its own, and return `Exit.DRIVER` if a rule is broken."""
    if importlib.util.find_spec("pytest") is None:
        raise DriverUnavailable(
            arguments.driver,
            "the conformance kit needs pytest, which is not installed",
            "install it with: pip install 'ncwire[test]'",
        )
    sys.stdout.flush()
    done = subprocess.run([sys.executable, "-m", "pytest", *_options(arguments)], check=False)  # noqa: S603 - the arguments are the user's own
    return Exit.OK if done.returncode == 0 else Exit.DRIVER


def _options(arguments: argparse.Namespace) -> list[str]:
    options = [
        "-p",
        "ncwire_pytest",
        # The kit is the same wherever it is run: no project's settings, plugins and files.
        "-c",
        os.devnull,
        "--rootdir",
        os.curdir,
        "--noconftest",
        "-p",
        "no:cacheprovider",
        "-rN",
        f"--ncwire-driver={arguments.driver}",
        f"--ncwire-target={arguments.target}",
        *(["-v", "--tb=short"] if arguments.verbose else ["-q", "--no-header", "--tb=no"]),
    ]
    if arguments.expression:
        options += ["-k", arguments.expression]
    if arguments.json:
        options += [f"--ncwire-report={arguments.json}"]
    return options
