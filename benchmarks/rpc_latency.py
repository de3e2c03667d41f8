"""How long an empty rpc takes on the embedded server, in a process of its own, on loopback.

Usage: python benchmarks/rpc_latency.py [--driver NAME] [--rounds N]
Prints the minimum, median and 95th percentile over all rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import ncwire
from ncwire.testing import EmbeddedServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", default="paramiko")
    parser.add_argument("--rounds", type=int, default=2000)
    arguments = parser.parse_args()
    with (
        EmbeddedServer.spawn() as server,
        ncwire.connect(
            server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            hostkey_b64=server.host_key.base64,
            allow_agent=False,
            look_for_keys=False,
            driver=arguments.driver,
        ) as session,
    ):
        for _ in range(100):
            session.rpc("<get/>")
        times = []
        for _ in range(arguments.rounds):
            began = time.perf_counter()
            session.rpc("<get/>")
            times.append((time.perf_counter() - began) * 1000)
    times.sort()
    print(
        f"{arguments.driver}: min {times[0]:.3f} ms, median {statistics.median(times):.3f} ms, "
        f"p95 {times[int(len(times) * 0.95)]:.3f} ms over {len(times)} rpcs"
    )


if __name__ == "__main__":
    main()
