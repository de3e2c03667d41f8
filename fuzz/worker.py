"""One target in a process of its own, which `run.py` starts.

Usage: python fuzz/worker.py TARGET atheris [libFuzzer's own arguments]
       python fuzz/worker.py TARGET plain --seed N --seconds S --findings FOLDER
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import traceback
from pathlib import Path

import targets
from engine import plain


def main() -> int:
    logging.disable()  # what is wrong with an input is told, and here that is nearly all of them
    name, engine, *arguments = sys.argv[1:]
    if engine == "atheris":
        guided(name, arguments)
    return unguided(name, arguments)


def guided(name: str, arguments: list[str]) -> None:
    """Hand over to atheris, which ends the process."""
    import atheris  # noqa: PLC0415 - only where it is installed

    with atheris.instrument_imports(include=["ncwire"]):
        target = targets.load(name)
    atheris.Setup([sys.argv[0], *arguments], target.one)
    atheris.Fuzz()


def unguided(name: str, arguments: list[str]) -> int:
    """Run the plain loop, and print what it did as libFuzzer does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--findings", type=Path)
    options = parser.parse_args(arguments)
    done, finding = plain.run(targets.load(name), name, options.seed, seconds=options.seconds)
    print(f"stat::number_of_executed_units: {done}", file=sys.stderr)
    if finding is None:
        return 0
    digest = hashlib.sha256(finding.data).hexdigest()[:16]
    (options.findings / f"{name}-crash-{digest}").write_bytes(finding.data)
    traceback.print_exception(finding.error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
