"""100 Managers of ncclient's in one process: over its own transport, and on a hub of ncwire's.

Usage: python benchmarks/ncclient_managers.py [--managers N] [--seconds S] [--driver NAME ...]
Prints for each what connecting takes, threads, memory for each Manager, and CPU while all idle
for so many seconds; one after the other, each in a process of its own at one sshd.
"""

from __future__ import annotations

import argparse

from managers.processes import crowds
from suite import server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--managers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--driver", action="append")
    arguments = parser.parse_args()
    drivers = arguments.driver or ("paramiko", "libssh2")
    heads = ("over", "connect s", "threads", "kB each", "idle CPU %", "get s", "get CPU s")
    print(f"{heads[0]:16}" + "".join(f"{head:>12}" for head in heads[1:]))
    with server.running("MaxStartups 1000") as target:
        for name in ("ncclient", *drivers, *(f"hub {driver}" for driver in drivers)):
            with crowds([name], target) as running:
                process = running[name]
                process.do("connect", 1)  # what is imported at the first is not measured
                made = process.do("connect", arguments.managers - 1)
                idle = process.do("idle", arguments.seconds)
                busy = process.do("get", 1)
                figures = (
                    f"{made['seconds']:12.1f}{made['threads']:12.0f}{made['memory'] / 1000:12.0f}"
                    f"{100 * idle['cpu'] / idle['wall']:12.2f}"
                    f"{busy['wall']:12.2f}{busy['cpu']:12.2f}"
                )
                print(f"{name:16}{figures}", flush=True)


if __name__ == "__main__":
    main()
