"""What the process around sessions does to them: interrupts, alarms and forks, by the hundred.

Usage: python benchmarks/disturbed.py [--drivers NAME ...] [--interrupts N] [--alarms N]
                                      [--forks N] [--seed N]

On each driver, for sessions on a thread of their own and on a hub, against a real sshd: the main
thread sends small rpcs and is interrupted (SIGINT) or alarmed (a handler that raises an error of
the program's own) at random times, while other threads call on the same session and on a
neighbour. Children are forked while all threads are busy, and use, close and leave what they
inherit. Counted are zombies (a session that is neither open nor ended, or ended without a cause),
hangs (what did not end within its own time limit), and fds and threads that are left when all is
closed. Exits with 1 if there is any.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import ncwire
from ncwire.errors import NcwireError
from soaking.state import settled
from suite import catalogue, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ncwire import Hub, SSHSession
    from ncwire.bench.target import Target

_LIMIT = 20.0
"""Seconds for each rpc: whatever takes longer is a hang, for each takes a millisecond."""
_CHILD = 10.0
_LONGEST = 0.004
_OPERATION = "<get/>"


class AlarmError(Exception):
    """What the program's own handler of SIGALRM raises."""


@dataclass
class Outcome:
    """What one kind of disturbance came to, on one driver and home."""

    disturbance: str
    driver: str
    home: str
    done: int = 0
    came_out: int = 0
    ended: int = 0
    zombies: int = 0
    hangs: int = 0
    fds: int = 0
    threads: int = 0
    slowest: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> bool:
        return bool(self.zombies or self.hangs or self.fds > 0 or self.threads > 0)


class Sessions:
    """A session to disturb, a neighbour, and threads that are busy with both."""

    def __init__(self, target: Target, driver: str, hub: Hub | None) -> None:
        self._target, self._driver, self._hub = target, driver, hub
        self.outcome: Outcome | None = None
        self.disturbed = self.connect()
        self.neighbour = self.connect()
        self._over = threading.Event()
        self._busy = [
            threading.Thread(target=self._work, args=(name,), daemon=True)
            for name in ("disturbed", "disturbed", "neighbour")
        ]
        for thread in self._busy:
            thread.start()

    def connect(self) -> SSHSession:
        target = self._target
        return ncwire.connect(
            target.host,
            port=target.port,
            username=target.user,
            key_filename=target.key,
            known_hosts=target.known_hosts,
            allow_agent=False,
            look_for_keys=False,
            driver=self._driver,
            hub=self._hub,
        )

    def check(self, outcome: Outcome) -> None:
        """Look whether the session is open or ended, and replace one that has ended."""
        session = self.disturbed
        began = time.monotonic()
        try:
            session.rpc(_OPERATION, timeout=_LIMIT)
        except NcwireError as error:
            session.join(_LIMIT)
            if session.connected or session.cause is None:
                outcome.zombies += 1
                outcome.notes.append(f"neither open nor ended: {error}")
                session.close()
            else:
                outcome.ended += 1
            self.disturbed = self.connect()
        took = time.monotonic() - began
        outcome.slowest = max(outcome.slowest, took)
        if took > _LIMIT / 2:
            outcome.hangs += 1
            outcome.notes.append(f"an rpc took {took:.1f} s")

    def close(self) -> None:
        self._over.set()
        for thread in self._busy:
            thread.join(2 * _LIMIT)
            if thread.is_alive() and self.outcome is not None:
                self.outcome.hangs += 1
        self.disturbed.close()
        self.neighbour.close()

    def _work(self, name: str) -> None:
        while not self._over.is_set():
            session = getattr(self, name)
            began = time.monotonic()
            with suppress(NcwireError):
                session.rpc(_OPERATION, timeout=_LIMIT)
            took = time.monotonic() - began
            outcome = self.outcome
            if outcome is not None:
                outcome.slowest = max(outcome.slowest, took)
                if took > _LIMIT / 2:
                    outcome.hangs += 1
                    outcome.notes.append(f"another thread's rpc took {took:.1f} s")
            if not session.connected:
                self._over.wait(0.01)


def main() -> int:
    # A shell starts what runs in the background with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = _arguments()
    random.seed(arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    outcomes = []
    with server.running() as target:
        for driver in arguments.drivers:
            for home in ("a thread", "a hub"):
                outcomes += _disturb(target, driver, home, arguments)
    Console(width=110).print(_table(outcomes))
    for each in outcomes:
        for note in each.notes[:5]:
            print(f"{each.driver}, {each.home}, {each.disturbance}: {note}")
    return int(any(each.wrong for each in outcomes))


def _disturb(
    target: Target, driver: str, home: str, arguments: argparse.Namespace
) -> Iterator[Outcome]:
    kinds: list[tuple[str, int, Callable[[Sessions, Outcome], None]]] = [
        ("interrupts", arguments.interrupts, _interrupt),
        ("alarms", arguments.alarms, _alarm),
        ("forks", arguments.forks, _fork),
    ]
    for name, count, disturb in kinds:
        outcome = Outcome(name, driver, home)
        with _accounted(outcome):
            hub = ncwire.Hub() if home == "a hub" else None
            sessions = Sessions(target, driver, hub)
            sessions.outcome = outcome
            for _ in range(count):
                disturb(sessions, outcome)
                sessions.check(outcome)
                outcome.done += 1
            sessions.close()
            if hub is not None:
                hub.close()
        yield outcome


@contextmanager
def _accounted(outcome: Outcome) -> Iterator[None]:
    before = settled(None)
    yield
    after = settled(before)
    outcome.fds, outcome.threads = after.fds - before.fds, after.threads - before.threads


def _interrupt(sessions: Sessions, outcome: Outcome) -> None:
    _signalled(sessions, outcome, signal.SIGINT, KeyboardInterrupt)


def _alarm(sessions: Sessions, outcome: Outcome) -> None:
    _signalled(sessions, outcome, signal.SIGALRM, AlarmError)


def _signalled(
    sessions: Sessions, outcome: Outcome, number: signal.Signals, kind: type[BaseException]
) -> None:
    timer = threading.Timer(
        random.uniform(0, _LONGEST),
        signal.pthread_kill,
        (threading.main_thread().ident, number),
    )
    try:
        timer.start()
        while timer.is_alive():
            sessions.disturbed.rpc(_OPERATION, timeout=_LIMIT)
        timer.join()
    except kind:
        outcome.came_out += 1
    except NcwireError:  # ended by the interrupt of before; `check` tells
        with suppress(kind):
            timer.join()


def _fork(sessions: Sessions, outcome: Outcome) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        signal.alarm(int(_CHILD))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _in_child(sessions)
    until = time.monotonic() + 2 * _CHILD
    while time.monotonic() < until:
        # What the parent does meanwhile must not notice the child.
        sessions.disturbed.rpc(_OPERATION, timeout=_LIMIT)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
    else:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        outcome.came_out += 1
    else:
        outcome.hangs += 1
        outcome.notes.append(f"a child ended with {code}")


def _in_child(sessions: Sessions) -> None:
    code = 1
    try:
        session = sessions.disturbed
        with suppress(NcwireError):
            session.rpc(_OPERATION, timeout=_LIMIT)
            code = 2  # a child must not be answered
            os._exit(code)
        session.close()
        sessions.neighbour.close()
        code = 3 if session.connected or session.cause is None else 0
    finally:
        os._exit(code)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("driver", "home", "disturbance")
    for name in ("done", "came out", "ended", "zombies", "hangs", "fds", "threads", "slowest, s"):
        table.add_column(name, justify="right")
    for each in outcomes:
        numbers = (each.done, each.came_out, each.ended, each.zombies, each.hangs)
        left = (each.fds, each.threads)
        style = "bold red" if each.wrong else ""
        table.add_row(
            each.driver, each.home, each.disturbance,
            *map(str, numbers), *map(str, left), f"{each.slowest:.2f}", style=style,
        )  # fmt: skip
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="\n".join(__doc__.splitlines()[5:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--drivers", nargs="+", default=catalogue.installed(), metavar="NAME")
    parser.add_argument("--interrupts", type=int, default=500)
    parser.add_argument("--alarms", type=int, default=200)
    parser.add_argument("--forks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    return parser.parse_args()


def _raise_alarm(_number: int, _frame: object) -> None:
    raise AlarmError


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _raise_alarm)
    sys.exit(main())
