"""ncwire beside the floor of each library, and beside its peers. See README.rst.

Usage: python benchmarks/compare.py COMMAND [--rounds N] [--seconds S] [--drivers NAME ...]
                                    [--pin] [--beside PYTHON] [--json FILE]

latency      one rpc after the other on one session: empty and 10 kB replies
throughput   replies of 1 to 500 MB, both framings, and chunks of 4 kB
layers       framing alone, a driver's channel, whole rpcs
floors       the bare loops, and what was tried in their place
peers        ncclient, netconf-client and scrapli, each in an environment of its own
"""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.bench.contest import ContestantError
from ncwire.bench.measures import Rpcs
from ncwire.bench.progress import TurnsProgress
from ncwire.bench.run import Run
from ncwire.bench.settings import Settings
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE, Case, Target
from peers import environments
from suite import catalogue, report, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire.bench.contest import Entry
    from ncwire.bench.record import Record

MB = 1_000_000
SMALL_CHUNK = 4096
CONSOLE = report.console()


def main() -> None:
    arguments = parsed()
    try:
        with placed(arguments.sshd_config, pin=arguments.pin) as target:
            record = COMMANDS[arguments.command](arguments, target)
    except ContestantError as error:
        raise SystemExit(str(error)) from None
    if arguments.json is not None:
        arguments.json.write_text(record.json(), encoding="utf-8")


@contextmanager
def placed(sshd_config: str, *, pin: bool) -> Iterator[Target]:
    """Run the server, on a CPU of its own if it is to be pinned; all others get the rest."""
    cpus = os.sched_getaffinity(0)
    last = {max(cpus)}
    if pin and cpus == last:
        raise SystemExit("--pin: it takes two CPUs, and there is one")
    if pin:
        os.sched_setaffinity(0, last)  # what is started has it too
    with server.running(sshd_config) as target:
        if pin:
            os.sched_setaffinity(0, cpus - last)
        yield target


def latency(arguments: argparse.Namespace, target: Target) -> Record:
    cases = [Case(size) for size in arguments.sizes or (0, 10_000)]
    return shown(arguments, target, rpcs(arguments), cases)


def rpcs(arguments: argparse.Namespace) -> list[Entry]:
    entries = catalogue.rpcs(arguments.drivers)
    if arguments.beside is not None:
        entries += catalogue.elsewhere(arguments.beside, entries)
    return entries


def throughput(arguments: argparse.Namespace, target: Target) -> Record:
    sizes = arguments.sizes or (1 * MB, 10 * MB, 100 * MB, 500 * MB)
    record = shown(arguments, target, rpcs(arguments), kinds(sizes))
    report.show_linearity(record, CONSOLE)
    return record


def layers(arguments: argparse.Namespace, target: Target) -> Record:
    sizes = arguments.sizes or (0, 10_000, 20 * MB)
    cases = [Case(size) for size in sizes if size < MB] + kinds(s for s in sizes if s >= MB)
    entries = [*catalogue.framings(), *catalogue.layers(arguments.drivers)]
    return shown(arguments, target, entries, cases)


def floors(arguments: argparse.Namespace, target: Target) -> Record:
    sizes = arguments.sizes or (0, 10_000, 100 * MB)
    cases = [Case(size) for size in sizes]
    cases += [Case(size, SMALL_CHUNK) for size in sizes if size >= MB]
    entries = [
        entry
        for library in catalogue.FLOORS
        if library in arguments.drivers
        for entry in catalogue.floors(library)
    ]
    return shown(arguments, target, entries, cases)


def peers(arguments: argparse.Namespace, target: Target) -> Record:
    sizes = arguments.sizes or (0, MB, 20 * MB)
    made = environments.made(arguments.environments, arguments.peers, CONSOLE.print)
    ours = [
        entry for entry in catalogue.rpcs(arguments.drivers) if entry.name.startswith("ncwire/")
    ]
    entries = [*ours, *made]
    record = run(arguments, target, entries, [Case(size) for size in sizes])
    report.show_peers(record, [entry.name for entry in ours], CONSOLE)
    return record


COMMANDS: dict[str, Callable[[argparse.Namespace, Target], Record]] = {
    "latency": latency,
    "throughput": throughput,
    "layers": layers,
    "floors": floors,
    "peers": peers,
}


def kinds(sizes: Sequence[int]) -> list[Case]:
    return [
        Case(size, chunk, framing)
        for size in sizes
        for chunk, framing in ((0, CHUNKED), (SMALL_CHUNK, CHUNKED), (0, END_OF_MESSAGE))
    ]


def shown(
    arguments: argparse.Namespace,
    target: Target,
    entries: Sequence[Entry],
    cases: Sequence[Case],
) -> Record:
    record = run(arguments, target, entries, cases)
    report.show(record, CONSOLE)
    return record


def run(
    arguments: argparse.Namespace,
    target: Target,
    entries: Sequence[Entry],
    cases: Sequence[Case],
) -> Record:
    contest = Run(
        server.ABOUT,
        [(entry, catalogue.contestant(entry)) for entry in entries],
        (),
        [Rpcs(case, arguments.seconds) for case in cases],
        # Nothing else is measured here: no connecting, and one rpc at a time on one session.
        Settings(arguments.rounds, arguments.seconds, connections=0, sessions=1, window=1),
    )
    with TurnsProgress(contest.turns()) as progress:
        contest.measure(target, progress)
    return contest.record()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="\n".join(__doc__.splitlines()[5:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument(
        "--rounds", type=int, default=7, help="how often each contestant's turn comes"
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="how long each turn is")
    parser.add_argument("--drivers", nargs="+", default=catalogue.installed(), metavar="NAME")
    parser.add_argument("--sizes", nargs="+", type=size, metavar="BYTES", help="as 0, 10k or 20M")
    parser.add_argument(
        "--pin", action="store_true",
        help="keep the server on one CPU and the clients on the others, so that it does not "
        "matter where the scheduler puts each just then",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument(
        "--sshd-config", default="", metavar="LINE", help='as "Ciphers aes128-gcm@openssh.com"'
    )
    parser.add_argument(
        "--beside", metavar="PYTHON",
        help="latency and throughput: the interpreter of an environment with another state of "
        "ncwire, which takes part, too; its ratio is to the one here",
    )  # fmt: skip
    parser.add_argument("--peers", nargs="+", default=[*environments.PEERS], metavar="NAME")
    parser.add_argument(
        "--environments", type=Path, default=environments.FOLDER, metavar="FOLDER",
        help="where the peers' virtual environments are made",
    )  # fmt: skip
    return parser.parse_args()


def size(text: str) -> int:
    number, unit = text.rstrip("kM"), text[-1:]
    return int(float(number) * {"k": 1000, "M": MB}.get(unit, 1))


if __name__ == "__main__":
    main()
