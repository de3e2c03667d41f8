"""By how long a call outlasts its reply, with many threads on one session.

Usage: python benchmarks/late_replies.py [--drivers NAME ...] [--seconds N] [--callers N]

On each driver, against a real sshd: threads call on one session, others only send on it, and a
listener that is told by whichever thread reads a reply notes when that was. A call that returns
long after its reply was read was not woken by it. Exits with 1 if one outlasts it by more than
half a second.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import TYPE_CHECKING

import ncwire
from suite import catalogue, server

if TYPE_CHECKING:
    from ncwire._session.listeners import Root
    from ncwire.bench.target import Target

_LIMIT = 60.0
_LATE = 0.5


class Reading(ncwire.SessionListener):
    """Notes when each reply was read; it may be told on any thread, and so is told at once."""

    anywhere = True

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def callback(self, root: Root, raw: str) -> None:  # noqa: ARG002 - the message-id is enough
        message_id = root[1].get("message-id")
        if message_id is not None:
            self.at[message_id] = time.monotonic()

    def errback(self, ex: Exception) -> None:
        """Leave it to the calls, which raise it."""


class Callers:
    """Threads that call, and threads that send, on one session until a time."""

    def __init__(self, session: ncwire.SSHSession, until: float) -> None:
        self._session = session
        self._until = until
        self._reading = Reading()
        self._turns = threading.Semaphore(0)
        self.worst = 0.0
        self.late = 0
        self.calls = 0
        self._lock = threading.Lock()
        session.add_listener(self._reading)

    def call(self) -> None:
        """Call, and see when each call returns."""
        while time.monotonic() < self._until:
            self._turns.release()
            reply = self._session.rpc("<get/>", timeout=_LIMIT)
            # The listener hears of a reply a moment after the call that waits for it.
            over = time.monotonic() - self._reading.at.pop(
                reply.message_id or "", time.monotonic()
            )
            with self._lock:
                self.calls += 1
                self.worst = max(self.worst, over)
                self.late += over > _LATE

    def send(self) -> None:
        """Send while others wait: what comes meanwhile is read by this thread."""
        number = 0
        while time.monotonic() < self._until:
            if self._turns.acquire(timeout=0.1):
                number += 1
                self._session.send(f'<rpc xmlns="{_BASE}" message-id="sent-{number}"><get/></rpc>')


_BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="\n".join(__doc__.splitlines()[4:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--drivers", nargs="+", default=catalogue.installed(), metavar="NAME")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each driver")
    parser.add_argument("--callers", type=int, default=8)
    arguments = parser.parse_args()
    late = 0
    with server.running() as target:
        for driver in arguments.drivers:
            late += _run(target, driver, arguments.seconds, arguments.callers)
    return int(bool(late))


def _run(target: Target, driver: str, seconds: float, callers: int) -> int:
    session = ncwire.connect(
        target.host,
        port=target.port,
        username=target.user,
        key_filename=target.key,
        known_hosts=target.known_hosts,
        allow_agent=False,
        look_for_keys=False,
        driver=driver,
    )
    with session:
        work = Callers(session, time.monotonic() + seconds)
        threads = [threading.Thread(target=work.call) for _ in range(callers)]
        threads += [threading.Thread(target=work.send) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(
        f"{driver}: {work.calls} calls by {callers} threads in {seconds:g} s: "
        f"{work.late} outlasted their reply by over {_LATE:g} s, the worst by {work.worst:.3f} s",
        flush=True,
    )
    return work.late


if __name__ == "__main__":
    sys.exit(main())
