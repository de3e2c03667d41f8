"""Shows what a long known_hosts file costs: when it is first read, and at each connect after.

Usage: python benchmarks/known_hosts.py [--rounds N] [--lines N]

For each kind of names: the median time to look up one host, under its port and plainly as a
connect does, in a file that was never read before, in one that was, and another host in that.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import os
import statistics
import tempfile
import time
from pathlib import Path

from ncwire._ssh.hostkeys.known_hosts import host_entry_name, read_known_hosts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
LONG_AGO = (1_000_000_000, 1_000_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--lines", type=int, default=10_000)
    arguments = parser.parse_args()
    print(f"{arguments.lines} lines, median of {arguments.rounds}, in milliseconds")
    print(f"{'names':20}{'first':>10}{'again':>10}{'another':>10}")
    for kind, names in NAMES.items():
        text = "".join(f"{names(n)} {KEY} comment\n" for n in range(arguments.lines))
        rounds = [measure(text, arguments.lines - 1) for _ in range(arguments.rounds)]
        medians = [1000 * statistics.median(times) for times in zip(*rounds, strict=True)]
        print(f"{kind:20}" + "".join(f"{each:10.3f}" for each in medians))


def measure(text: str, last: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "known_hosts")
        path.write_text(text)
        os.utime(path, LONG_AGO)
        times = []
        for host in (f"a.h{last}.example", f"a.h{last}.example", f"a.h{last - 1}.example"):
            start = time.perf_counter()
            known = read_known_hosts([str(path)])
            found = [*known.lookup(host_entry_name(host, 830)), *known.lookup(host)]
            times.append(time.perf_counter() - start)
            assert len(found) == 1
        return times


def hashed(n: int) -> str:
    salt = os.urandom(20)
    digest = hmac.digest(salt, f"a.h{n}.example".encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


NAMES = {
    "names and addresses": lambda n: f"a.h{n}.example,10.0.{n >> 8}.{n & 255}",
    "hashed": hashed,
    "patterns": lambda n: f"*.h{n}.example,10.{n >> 8}.{n & 255}.*",
}

if __name__ == "__main__":
    main()
