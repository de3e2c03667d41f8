"""Uses sessions at random for a long time, as programs do, and looks for what must not be.

Usage: python benchmarks/soak.py [--seconds N] [--driver NAME ...] [--seed N] [--without ...]

Several threads share a few sessions, on a hub and off: they connect (some through a network that
breaks), send rpcs of all kinds, stream, use sinks, read notifications, give up early, stop and
break the network, have the server die, and close sessions and hubs that others use. On the main
thread signal handlers raise into calls, and children are forked that use and close what they
inherit.

What is checked: every call ends within its own limit, and by how much the slowest went over it is
told; a session ends only where something was done to it that may end it, with a documented error;
each reply is its own rpc's; a listener hears of the end once; between rounds, when all is closed,
memory, fds, threads and children are what they were after the first. A call that does not end is
shown with the stacks of all threads. Exits with 1 for a violation, with 3 for a hang.

Which thread is where when is not the seed's: a run with the same seed does the same things, and
may find another.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from soaking import server, state
from soaking.actions import Actor
from soaking.pool import Pool
from soaking.process import FORKS, SIGNALS, MainActor
from soaking.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soaking.state import State

_ROUND = 10.0
_LEAST_ROUNDS = 3
_GROWS = 16 * 1024
"""kB by which the memory may differ between the first round after the warm-up and the last."""
_OVER = 20.0


def main() -> int:
    arguments = _arguments()
    if len(arguments.driver) > 1:
        # Each in a process of its own, so that its memory is its own.
        return max(_alone(arguments, driver) for driver in arguments.driver)
    driver = arguments.driver[0]
    with server.running(arguments.server) as (about, target), Watch(arguments.patience) as watch:
        print(
            f"{driver}: seed {arguments.seed}, {arguments.seconds:g} s, against {about}",
            flush=True,
        )
        pool = Pool(target, driver, watch, arguments.sessions)
        states = soak(pool, arguments)
        report(watch, states)
        judge(watch, states)
    if watch.violations:
        print(
            f"{len(watch.violations)} VIOLATION(S); again: python benchmarks/soak.py "
            f"--driver {driver} --seed {arguments.seed} --seconds {arguments.seconds} "
            f"--threads {arguments.threads} --sessions {arguments.sessions}"
            + (f" --without {' '.join(arguments.without)}" if arguments.without else "")
        )
        return 1
    print(f"{driver}: nothing that must not be")
    return 0


def soak(pool: Pool, arguments: argparse.Namespace) -> list[State]:
    """Soak in rounds, and return what the process held after each."""
    rounds = max(_LEAST_ROUNDS, round(arguments.seconds / _ROUND))
    actors = [Actor(pool, f"{arguments.seed}/{number}") for number in range(arguments.threads)]
    wanted = frozenset({SIGNALS, FORKS} - set(arguments.without))
    first = MainActor(Actor(pool, f"{arguments.seed}/main"), wanted)
    states: list[State] = []
    for _ in range(rounds):
        until = time.monotonic() + arguments.seconds / rounds
        threads = [
            threading.Thread(target=_act, args=(actor, until), name=f"soak {number}")
            for number, actor in enumerate(actors)
        ]
        for thread in threads:
            thread.start()
        _act(first, until)
        for thread in threads:
            thread.join()
        pool.close()
        states.append(state.settled(states[0] if states else None))
    return states


def _act(actor: Actor, until: float) -> None:
    while time.monotonic() < until:
        actor.turn()


def report(watch: Watch, states: Sequence[State]) -> None:
    """Print what was done, what came of it, how long it took, and what was held."""
    table = Table(title="Actions and their outcomes", title_justify="left")
    for column in ("action", "outcome", "times"):
        table.add_column(column, justify="right" if column == "times" else "left")
    last = ""
    for (what, outcome), times in sorted(watch.outcomes.items()):
        table.add_row("" if what == last else what, outcome, f"{times:,}")
        last = what
    Console(width=100).print(table)
    table = Table(title="The slowest of each, in seconds", title_justify="left")
    for column in ("call", "took", "over its limit"):
        table.add_column(column, justify="left" if column == "call" else "right")
    for what in sorted(watch.longest):
        table.add_row(what, f"{watch.longest[what]:.3f}", f"{watch.over[what]:.3f}")
    Console(width=100).print(table)
    for name in states[0]._fields:
        print(f"{name:>9}: " + " ".join(str(getattr(each, name)) for each in states))


def judge(watch: Watch, states: Sequence[State]) -> None:
    """Take note of what the process holds more than it did, and of what took too long."""
    for what, over in watch.over.items():
        if over > _OVER:
            watch.violated(f"{what} went over its limit by {over:.1f} s")
    before, after = states[1], states[-1]
    for name in ("fds", "threads", "children"):
        # What is left once may be on its way; what is left twice stays.
        left = min(getattr(each, name) for each in states[-2:]) - getattr(states[0], name)
        if left > 0:
            watch.violated(f"{left} more {name} than after the first round")
    if after.resident - before.resident > _GROWS:
        watch.violated(f"memory grew from {before.resident} to {after.resident} kB")


def _alone(arguments: argparse.Namespace, driver: str) -> int:
    command = [
        sys.executable, __file__, "--driver", driver, "--seed", str(arguments.seed),
        "--seconds", str(arguments.seconds), "--threads", str(arguments.threads),
        "--sessions", str(arguments.sessions), "--patience", str(arguments.patience),
    ]  # fmt: skip
    command += ["--server", arguments.server] if arguments.server else []
    command += ["--without", *arguments.without] if arguments.without else []
    return subprocess.run(command, check=False).returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="for each driver")
    parser.add_argument("--driver", nargs="+", default=["paramiko", "libssh2"], metavar="NAME")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--server", choices=[server.SSHD, server.EMBEDDED])
    parser.add_argument("--without", nargs="+", default=[], choices=[SIGNALS, FORKS])
    parser.add_argument("--threads", type=int, default=4, help="beside the main thread")
    parser.add_argument("--sessions", type=int, default=6, help="at a time")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        help="seconds over its limit: it hangs",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
