"""What connecting and closing many times leaves behind: fds, threads, resident memory.

Usage: python benchmarks/connect_cycles.py [--driver NAME] [--cycles N]
Against the embedded server, in a process of its own. The first 50 cycles are not counted:
caches fill and the allocator settles.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import threading
from pathlib import Path

import ncwire
from ncwire.testing import EmbeddedServer

SETTLING = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", default="paramiko")
    parser.add_argument("--cycles", type=int, default=500)
    arguments = parser.parse_args()
    with EmbeddedServer.spawn() as server, tempfile.TemporaryDirectory() as folder:
        known_hosts = Path(folder) / "known_hosts"
        server.write_known_hosts(known_hosts)
        for cycle in range(SETTLING + arguments.cycles):
            if cycle == SETTLING:
                before = state()
            with ncwire.connect(
                server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                known_hosts=known_hosts,
                allow_agent=False,
                look_for_keys=False,
                driver=arguments.driver,
            ) as session:
                session.rpc("<get/>")
        after = state()
    fds, threads, kilobytes = (late - early for early, late in zip(before, after, strict=True))
    print(
        f"{arguments.driver}: {arguments.cycles} cycles, growth: {fds} fds, {threads} threads, "
        f"{kilobytes} kB resident (from {before[2]} kB)"
    )


def state() -> tuple[int, int, int]:
    gc.collect()
    fds = len(list(Path("/proc/self/fd").iterdir()))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return fds, threading.active_count(), int(resident.split()[1])


if __name__ == "__main__":
    main()
