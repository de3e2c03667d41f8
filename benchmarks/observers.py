"""How long an rpc takes that nobody observes, with a counting observer, with a trace, with a log.

Usage: python benchmarks/observers.py [--rounds N] [--seconds S] [--sizes BYTES ...]
                                      [--beside PYTHON] [--json FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ncwire.bench import beside
from ncwire.bench.contest import ContestantError, Entry
from ncwire.bench.measures import SESSION, Rpcs
from ncwire.bench.progress import TurnsProgress
from ncwire.bench.run import Run
from ncwire.bench.settings import Settings
from ncwire.bench.target import Case, Target
from suite import catalogue, report

OBSERVED = "ours.observed:Observed"
NOBODY = "no observer"


def main() -> None:
    arguments = parsed()
    # Over a Unix socket, where an rpc is quickest and what is added to it weighs most.
    with beside.running() as ways:
        entries = contestants({"driver": "unix", "way": ways["unix"]}, arguments.beside)
        contest = Run(
            "a server on a Unix socket",
            [(entry, catalogue.contestant(entry)) for entry in entries],
            (),
            [Rpcs(Case(size), arguments.seconds) for size in arguments.sizes],
            Settings(arguments.rounds, arguments.seconds, connections=0, sessions=1, window=1),
        )
        try:
            with TurnsProgress(contest.turns()) as progress:
                contest.measure(Target("", 0, "", "", ""), progress)
        except ContestantError as error:
            raise SystemExit(str(error)) from None
    record = contest.record()
    report.show(record, report.console())
    if arguments.json is not None:
        arguments.json.write_text(record.json(), encoding="utf-8")


def contestants(session: dict[str, object], python: str | None) -> list[Entry]:
    nobody = Entry(NOBODY, SESSION, session)
    observed = [
        Entry(name, OBSERVED, {**session, "kind": kind}, NOBODY)
        for name, kind in (("counting", "counting"), ("a trace", "trace"), ("the log", "log"))
    ]
    other = [] if python is None else catalogue.elsewhere(python, [nobody])
    return [nobody, *other, *observed]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often each one's turn comes")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long each turn is")
    parser.add_argument("--sizes", nargs="+", type=int, default=[0, 10_000], metavar="BYTES")
    parser.add_argument(
        "--beside",
        metavar="PYTHON",
        help="the interpreter of an environment with another state of ncwire, which takes part "
        "without an observer; its ratio is to the one here",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
