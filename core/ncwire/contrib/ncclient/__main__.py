"""`python -m ncwire.contrib.ncclient PROGRAM ...`: a program of ncclient's, unchanged."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ncwire.contrib.ncclient.child import environment, written
from ncwire.contrib.ncclient.choice import Choice
from ncwire.errors import NcwireError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_FOUND = 127
"""As a shell has it."""
_WRONG = 2
"""As argparse has it, and the command `ncwire`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Become the program, or return the exit status where it, driver or profile cannot be found.

    The program takes this process's place, and so has its terminal, signals and exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ncwire.contrib.ncclient",
        description="Run a program that uses ncclient, with its sessions carried by ncwire: here "
        "and in all Python interpreters that it starts.",
    )
    parser.add_argument("--driver", help="the driver, as for ncwire.connect")
    parser.add_argument("--profile", help="the device profile, as for ncwire.connect")
    parser.add_argument(
        "-O",
        dest="driver_options",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="an option of the driver's own, see `ncwire drivers NAME`; may be repeated",
    )
    parser.add_argument("program", help="a command, or the file of a Python program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    command = _command(given.program)
    if command is None:
        print(f"{given.program}: no such program", file=sys.stderr)  # noqa: T201
        return _NOT_FOUND
    try:
        own = written(given.driver_options) if given.driver_options else None
        Choice(given.driver, given.profile, driver_options=own).check()
    except NcwireError as error:
        parser.exit(_WRONG, f"{parser.prog}: {error}\n")
    named = environment(
        os.environ,
        driver=given.driver,
        profile=given.profile,
        driver_options=given.driver_options,
    )
    sys.stdout.flush()
    return _become([*command, *given.arguments], named)


def _become(command: list[str], named: dict[str, str]) -> NoReturn:
    os.execve(command[0], command, named)  # noqa: S606 - what it is for


def _command(program: str) -> list[str] | None:
    if program.endswith(".py") and Path(program).is_file():
        return [sys.executable, program]
    found = shutil.which(program)
    if found is None:  # beside this interpreter, where its environment is not activated
        found = shutil.which(program, path=str(Path(sys.executable).parent))
    return None if found is None else [found]


if __name__ == "__main__":
    sys.exit(main())
