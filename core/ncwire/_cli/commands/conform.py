"""`ncwire conform`: whether a driver keeps the contract, rule by rule."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire._cli import conform_report, driver_option, failures, values
from ncwire._cli.failures import Exit
from ncwire._plugins import registry
from ncwire.driver import Backend, Feature, SSHDriver
from ncwire.driver.rules import RULES
from ncwire.errors import DriverUnavailable, OptionError

if TYPE_CHECKING:
    import argparse

EXITS = (
    Exit.OK,
    Exit.USAGE,
    Exit.DRIVER,
    Exit.INTERNAL,
    Exit.INTERRUPTED,
    Exit.OUTPUT_CLOSED,
)
"""What the command can end with."""
# pytest's own exit codes (pytest 9.2, ExitCode).
_TESTS_FAILED = 1
_INTERRUPTED = 2
_USAGE_ERROR = 4
_NONE_COLLECTED = 5
_WIDTH = 92


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "conform",
        help="run the conformance kit for a driver",
        description=(
            "Test a driver against every rule of the driver contract, with servers of ncwire's "
            "own on the loopback interface, and show each rule's result; or explain a rule."
        ),
    )
    parser.add_argument(
        "driver", metavar="NAME", nargs="?", help="a registered name, or MODULE:CLASS"
    )
    parser.add_argument(
        "-k",
        dest="expression",
        metavar="EXPR",
        help="only the tests that match, as pytest's -k: a rule's id, or a part of one",
    )
    parser.add_argument(
        "--count",
        metavar="N",
        type=values.positive,
        default=1,
        help="run the tests N times over, and tell in how many of the runs a rule was broken",
    )
    parser.add_argument(
        "--explain",
        metavar="RULE",
        help="print a rule, whom it binds, and what usually breaks it; tests nothing",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show each test, and where it failed"
    )
    parser.add_argument(
        "--target",
        choices=("ssh", "tls", "unix", "plain"),
        help="what it connects to: a server of its transport (default), or of this one; plain is "
        "TCP in the clear",
    )
    driver_option.add_to(parser)
    parser.add_argument("--json", metavar="FILE", help="write the results to a file, for programs")
    parser.add_argument("--report", metavar="FILE.md", help="write them as a page in Markdown")
    parser.add_argument(
        "--badge", metavar="FILE.svg", help="write a badge of how many rules it keeps"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the kit in a process of its own, and return `Exit.DRIVER` if a rule is broken."""
    if arguments.explain is not None:
        print(explanation(arguments.explain))
        return Exit.OK
    if arguments.driver is None:
        raise OptionError("NAME", "name a driver, or a rule with --explain")
    if importlib.util.find_spec("pytest") is None:
        raise DriverUnavailable(
            arguments.driver,
            "the conformance kit needs pytest, which is not installed",
            "install it with: pip install 'ncwire[conformance]'",
        )
    by_name = ":" not in arguments.driver
    if by_name:
        registry.choose(arguments.driver)
    _check_files(arguments)
    with contextlib.ExitStack() as opened:
        results = arguments.json
        if results is None and (arguments.badge or arguments.report):
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="ncwire-conform-"))
            results = f"{folder}/results.json"
        # pytest and the kit take their time to be imported.
        failures.note(f"testing {arguments.driver}; a dot is a test, the table follows the last")
        sys.stdout.flush()
        options = _options(arguments, results)
        done = subprocess.run([sys.executable, "-m", "pytest", *options], check=False)  # noqa: S603 - the arguments are the user's own
        if done.returncode in {0, _TESTS_FAILED}:
            _present(arguments, results)
    if done.returncode == _NONE_COLLECTED and arguments.expression:
        raise OptionError(
            "-k",
            f"no rule's test matches {arguments.expression!r}; "
            "it takes a rule's id, or a part of one",
        )
    if done.returncode == _TESTS_FAILED and arguments.target is None:
        _hint(arguments.driver)
    return _exit(done.returncode, by_name=by_name)


def _hint(name: str) -> None:
    """Tell of a target, where the driver may not be one for the server that it was tested at."""
    from ncwire.testing.conformance.session import find  # noqa: PLC0415 - it needs pytest

    driver = find(name)
    is_ssh = issubclass(driver, SSHDriver) or Feature.HOST_KEY in driver.features
    if driver.transport == Backend.transport and not is_ssh:
        failures.note(
            f"{name} names no transport of its own, and so it was tested at an SSH server; if it "
            "speaks no SSH, add --target plain, which is TCP in the clear, or declare `transport`"
        )


def explanation(identity: str) -> str:
    """Return what there is to tell about a rule. Raises `OptionError` for one that is none."""
    from ncwire.testing.conformance.causes import CAUSES  # noqa: PLC0415 - only to explain

    rule = RULES.get(identity)
    if rule is None:
        near = difflib.get_close_matches(identity, RULES, n=3)
        guess = f"; near to it: {', '.join(near)}" if near else ""
        raise OptionError("--explain", f"there is no rule {identity!r}{guess}")
    needed = ", ".join(sorted(feature.value for feature in rule.features))
    paragraphs = (
        rule.text.replace("`", ""),
        f"Binds {rule.layer.value}{f', if it declares {needed}' if needed else ''}.",
        f"Usual causes: {CAUSES[rule.id]}",
    )
    wrapped = (
        textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
        for text in paragraphs
    )
    return "\n\n".join((rule.id, *wrapped))


def _exit(code: int, *, by_name: bool) -> Exit:
    if code == _USAGE_ERROR:
        # A class that is named by its module is looked for by pytest's process alone.
        return Exit.USAGE if by_name else Exit.DRIVER
    known = {0: Exit.OK, _TESTS_FAILED: Exit.DRIVER, _INTERRUPTED: Exit.INTERRUPTED}
    return known.get(code, Exit.INTERNAL)


def _check_files(arguments: argparse.Namespace) -> None:
    """Refuse at once what could not be written in the end."""
    if arguments.badge and arguments.expression:
        raise OptionError("--badge", "tells of all rules: leave out -k")
    for option, file in (("--report", arguments.report), ("--badge", arguments.badge)):
        if file is not None and not Path(file).parent.is_dir():  # known now, and not minutes later
            raise OptionError(option, f"{file}: its folder is not there")


def _present(arguments: argparse.Namespace, results: str) -> None:
    """Write what was asked for beside the results, which are those of one driver."""
    for option, file, render in (
        ("--report", arguments.report, conform_report.page),
        ("--badge", arguments.badge, conform_report.badge),
    ):
        if file is None:
            continue
        (table,) = json.loads(Path(results).read_text(encoding="utf-8"))
        try:
            Path(file).write_text(render(table), encoding="utf-8")
        except OSError as error:
            raise OptionError(option, f"{file}: {error.strerror}") from error


def _options(arguments: argparse.Namespace, results: str | None) -> list[str]:
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
        *([f"--ncwire-target={arguments.target}"] if arguments.target else []),
        *(f"--ncwire-option={name}={text}" for name, text in arguments.driver_option),
        f"--ncwire-count={arguments.count}",
        *(["-v", "--tb=short"] if arguments.verbose else ["-q", "--no-header", "--tb=no"]),
    ]
    if arguments.expression:
        options += ["-k", arguments.expression]
    if results:
        options += [f"--ncwire-report={results}"]
    return options
