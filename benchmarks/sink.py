"""Shows that a large reply goes to a sink in constant memory, and that a sink can stop the peer.

Usage: python benchmarks/sink.py [--size MB] [--drivers NAME ...]

For each driver and framing, in a process of its own, against OpenSSH's sshd on loopback:

growth      how far the resident memory rose, at its highest, over what it was before the rpc
MB/s        with a sink that takes the CRC of what it gets, which is compared with what was sent
stopped at  how much the server's subsystem had written when the sink stood still and nothing more
            was written; and how much a few seconds later
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shlex
import sys
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table

import ncwire
from ncwire.bench import sshd, subsystem
from ncwire.bench.session import connect
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE, Case

if TYPE_CHECKING:
    from ncwire.bench.target import Target

MB = 1_000_000
MIB = 1 << 20
STILL = 1.0
TIMEOUT = 600.0
STANDS = 3.0


# Between the subsystem and sshd: writes down how much it has passed on.
RELAY = """
import os, sys
total = 0
with open(os.path.join(sys.argv[1], str(os.getppid())), "wb", 0) as file:
    while data := os.read(0, 65536):
        while data:
            sent = os.write(1, data)
            data = data[sent:]
            total += sent
            os.pwrite(file.fileno(), b"%20d" % total, 0)
"""


class Measured(NamedTuple):
    growth: float
    rate: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1000, metavar="MB")
    parser.add_argument("--drivers", nargs="+", default=["libssh2", "paramiko"], metavar="NAME")
    arguments = parser.parse_args()
    size = arguments.size * MB
    cases = [Case(size), Case(size, 4096), Case(size, framing=END_OF_MESSAGE)]
    table = Table(title=f"{arguments.size} MB to a sink", title_justify="left")
    for column in ("", "growth, MiB", "MB/s", "stopped at, MiB", "later, MiB"):
        table.add_column(column, justify="right" if column else "left")
    highest = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="ncwire-sink-") as folder,
        sshd.running() as target,
        sshd.running(command=counting(Path(folder))) as counted,
    ):
        for driver in arguments.drivers:
            for case in cases:
                measured = alone(target, driver, case)
                stopped = stand_still(counted, driver, case, Path(folder) / "counts")
                highest = max(highest, measured.growth)
                table.add_row(
                    f"{driver}, {name(case)}",
                    f"{measured.growth:.1f}",
                    f"{measured.rate:.0f}",
                    *(f"{each / MIB:.1f}" for each in stopped),
                )
    Console().print(table)
    return 0 if highest < 32 else 1


def name(case: Case) -> str:
    if case.framing != CHUNKED:
        return "end-of-message"
    return f"chunks of {case.chunk}" if case.chunk else "one chunk"


def alone(target: Target, driver: str, case: Case) -> Measured:
    """Measure in a new process: memory that was used before would hide what is taken now."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, target, driver, case).result()


def measure(target: Target, driver: str, case: Case) -> Measured:
    timeouts = ncwire.Timeouts(rpc=TIMEOUT)
    with connect(target, driver, case.framing, timeouts=timeouts) as session:
        session.rpc("<get/>", sink=lambda _: None)
        sink = Checked()
        before = start_of_peak()
        began = time.perf_counter()
        reply = session.rpc(case.operation(), sink=sink)
        took = time.perf_counter() - began
        growth = peak() - before
    assert reply.size == sink.size
    assert sink.is_right(case.size), "what came is not what was sent"
    return Measured(growth / 1024, case.size / MB / took)


def counting(folder: Path) -> str:
    relay, counts = folder / "relay.py", folder / "counts"
    counts.mkdir()
    relay.write_text(RELAY, encoding="ascii")
    python = [os.path.realpath(sys.executable), "-IS"]
    subsystem_ = shlex.join([*python, subsystem.__file__])
    return f"{subsystem_} | {shlex.join([*python, str(relay), str(counts)])}"


def stand_still(target: Target, driver: str, case: Case, counts: Path) -> tuple[int, int]:
    """Return how much the server had written when it stopped, and what it had then."""
    session = connect(target, driver, case.framing)
    (counter,) = counts.iterdir()
    with session.stream(case.operation()) as stream:
        next(stream)
        stopped = -1
        while stopped != (now := int(counter.read_bytes())):
            stopped = now
            time.sleep(STILL)
        time.sleep(STANDS)
        later = int(counter.read_bytes())
        session.close()
    counter.unlink()
    return stopped, later


class Checked:
    """A sink that keeps a checksum of the content, and what may be the document's end."""

    def __init__(self) -> None:
        self.size = 0
        self._begun = b""
        self._crc = 0
        self._tail = b""

    def __call__(self, piece: bytes) -> None:
        self.size += len(piece)
        if not self._begun:
            self._tail, self._begun, piece = (self._tail + piece).partition(b"<data>")
            if not self._begun:
                return
            self._tail = b""
        whole = self._tail + piece
        keep = len(subsystem.TAIL)
        self._crc = zlib.crc32(memoryview(whole)[:-keep], self._crc)
        self._tail = whole[-keep:]

    def is_right(self, size: int) -> bool:
        return self._crc == subsystem.expected(size) and self._tail == subsystem.TAIL


def start_of_peak() -> int:
    """Have the kernel note the peak of the resident memory from now on; return it in kB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main())
