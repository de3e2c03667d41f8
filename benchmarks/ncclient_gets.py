"""500 rpcs of ncclient's Manager, over its own transport and over ncwire's, in turns.

Usage: python benchmarks/ncclient_gets.py [--gets N] [--turns N] [--driver NAME ...]
Each has a process and a session of its own at one sshd, and does its share of the rpcs in each
turn; replies have 1,000 bytes. Prints wall and CPU time of all its rpcs together; that of the
openssh driver has its ssh's.
"""

from __future__ import annotations

import argparse

from managers.processes import crowds
from suite import server

OWN = "ncclient"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gets", type=int, default=500)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--driver", action="append")
    arguments = parser.parse_args()
    names = [OWN, *(arguments.driver or ("paramiko", "libssh2", "openssh"))]
    each = max(1, arguments.gets // arguments.turns)
    wall = dict.fromkeys(names, 0.0)
    cpu = dict.fromkeys(names, 0.0)
    with server.running() as target, crowds(names, target) as running:
        for process in running.values():
            process.do("connect", 1)
            process.do("get", 3)  # what is made at the first rpcs is not measured
        for _ in range(arguments.turns):
            for name, process in running.items():
                taken = process.do("get", each)
                wall[name] += taken["wall"]
                cpu[name] += taken["cpu"]
    print(f"{'over':12}{'wall s':>10}{'CPU s':>10}{'wall, ncclient = 1':>22}{'CPU':>8}")
    for name in names:
        share = (wall[name] / wall[OWN], cpu[name] / cpu[OWN])
        print(f"{name:12}{wall[name]:10.2f}{cpu[name]:10.2f}{share[0]:22.3f}{share[1]:8.2f}")


if __name__ == "__main__":
    main()
