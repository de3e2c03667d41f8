"""A process with Managers of ncclient's, which does as it is told: run as a module's script.

Usage: python crowd.py OVER TARGET, where OVER is "ncclient" or the name of a driver, "hub" before
it for one hub, and TARGET a `Target` as JSON. Reads a line of JSON for each step, and answers
each with one.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ncclient import manager
from ncclient.xml_ import to_ele

import ncwire
from ncwire.bench.consumption import cpu_time, resident
from ncwire.bench.target import Case, Target
from ncwire.contrib.ncclient import install

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT = 1000
"""Bytes of a reply."""


class Crowd:
    def __init__(self, over: str, target: Target) -> None:
        self._target = target
        self._managers: list[Any] = []
        self._operation = to_ele(Case(CONTENT).operation())
        words = over.split()
        if words[-1] != "ncclient":
            install(driver=words[-1], hub=ncwire.Hub() if words[0] == "hub" else None)

    def connect(self, count: int) -> dict[str, float]:
        """Connect that many more, one after the other."""
        memory, began = resident("VmRSS"), time.perf_counter()
        for _ in range(count):
            self._managers.append(
                manager.connect(
                    host=self._target.host,
                    port=self._target.port,
                    username=self._target.user,
                    key_filename=self._target.key,
                    hostkey_verify=False,
                    allow_agent=False,
                    look_for_keys=False,
                    timeout=60,
                )
            )
        seconds = time.perf_counter() - began
        grown = (resident("VmRSS") - memory) / max(1, count)
        return {"seconds": seconds, "memory": grown, "threads": threading.active_count()}

    def get(self, count: int) -> dict[str, float]:
        """Have each Manager do that many rpcs, one after the other."""
        wall, cpu = time.perf_counter(), cpu_time()
        for _ in range(count):
            for each in self._managers:
                each.dispatch(self._operation)
        return {"wall": time.perf_counter() - wall, "cpu": cpu_time() - cpu}

    def idle(self, seconds: float) -> dict[str, float]:
        """Do nothing for so long."""
        wall, cpu = time.perf_counter(), cpu_time()
        time.sleep(seconds)
        return {"wall": time.perf_counter() - wall, "cpu": cpu_time() - cpu}

    def close(self) -> dict[str, float]:
        """Close all."""
        while self._managers:
            with contextlib.suppress(Exception):  # ncclient's own may have lost it already
                self._managers.pop().close_session()
        return {}


def main() -> None:
    crowd = Crowd(sys.argv[1], Target(**json.loads(sys.argv[2])))
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        step: Callable[..., dict[str, float]] = getattr(crowd, name)
        print(json.dumps(step(*arguments)), flush=True)


if __name__ == "__main__":
    main()
