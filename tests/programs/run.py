"""Run programs written for ncclient, unchanged, over its own transport and over ncwire's.

Usage: python tests/programs/run.py [--environments FOLDER] [--driver NAME ...] [PROGRAM ...]

An environment is made for each program in the folder, which takes minutes the first time. Prints
a table; exits with 1 where a program has not come to the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
# The servers of the tests, and the peer that answers as Junos does.
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "contrib" / "ncclient")]

from at_work import Outcome, run  # noqa: E402 - found by the paths above

from programs import PROGRAMS  # noqa: E402 - as above


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("programs", nargs="*", help="parts of the programs' names; default: all")
    parser.add_argument("--environments", type=Path, default=Path("~/.cache/ncwire-programs"))
    parser.add_argument("--driver", action="append", help="default: libssh2 and paramiko")
    parser.add_argument("--verbose", action="store_true", help="show what the programs printed")
    given = parser.parse_args()
    chosen = [
        each
        for each in PROGRAMS
        if not given.programs or any(part in each.name for part in given.programs)
    ]
    folder = given.environments.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{'program':26}{'over':12}{'result':24}{'seconds':>8}  client that the server saw")
    failed = False
    for program in chosen:
        python = program.environment.python(folder)
        own = run(program, python, None)
        show(program.name, "ncclient", "done" if own.status == 0 else "FAILED", own)
        failed |= own.status != 0
        if given.verbose or own.status:
            print(own.output[-6000:], own.errors[-6000:])
        for driver in given.driver or ("libssh2", "paramiko"):
            found = run(program, python, driver)
            same = (found.status, found.told) == (own.status, own.told)
            show(program.name, driver, "the same" if same else "DIFFERENT", found)
            failed |= not same
            if given.verbose or not same:
                print(found.output[-6000:], found.errors[-6000:])
    return int(failed)


def show(name: str, over: str, result: str, outcome: Outcome) -> None:
    clients = ", ".join(sorted(outcome.clients))
    print(f"{name:26}{over:12}{result:24}{outcome.seconds:8.1f}  {clients}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
