"""Shows that receiving costs time linear in the size of a reply, however it is framed and read.

Usage: python benchmarks/framing_linear.py [--rounds N] [--sizes MB [MB ...]]

For each framing and size of reads: the median CPU time per MB over interleaved rounds, for each
size of reply, and their ratio to those of the smallest. Linear cost is a ratio of about 1.
What is measured is everything between a driver's read and a listener: framing, UTF-8, root.
The floor does no more than collect the reads in one buffer and decode it.

The C library's allocator is told to treat all sizes alike. By itself glibc keeps blocks of up to
32 MB for reuse and has the kernel zero new pages for larger ones (mallopt(3), M_MMAP_THRESHOLD),
which makes a byte of a small reply cheaper than one of a large reply, for the floor too.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections import defaultdict

from ncwire._protocol.capabilities import BASE_1_0, BASE_1_1, Capabilities
from ncwire._protocol.client import MessageReceived, Protocol
from ncwire._protocol.framing import frame_chunked, frame_end_of_message
from ncwire._protocol.messages import BASE_NS

MB = 1_000_000
CHUNK = 4_096
FLOOR = "(floor)"
READS = {"1 MiB": 2**20, "32 KiB": 2**15}
FRAMINGS = {
    "end of message": (BASE_1_0, frame_end_of_message),
    "one chunk": (BASE_1_1, frame_chunked),
    "4 kB chunks": (BASE_1_1, lambda reply: frame_chunked(reply, CHUNK)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 100], metavar="MB")
    arguments = parser.parse_args()
    times = defaultdict(list)
    for _ in range(arguments.rounds):
        for framing, (base, frame) in FRAMINGS.items():
            for size in arguments.sizes:
                stream = b"".join(frame(reply(size * MB)))
                for read, size_of_reads in READS.items():
                    reads = split(stream, size_of_reads)
                    # Untimed: the first to use so much memory pays for what the machine (or
                    # its hypervisor) does to provide it.
                    receive(reads, base)
                    times[framing, read, size].append(receive(reads, base) / size)
                    times[FLOOR, read, size].append(collect(reads) / size)
    print_table({case: statistics.median(each) for case, each in times.items()}, arguments.sizes)


def reply(size: int) -> bytes:
    head = f'<rpc-reply message-id="1" xmlns="{BASE_NS}"><data>'.encode()
    entry = b"<interface><name>ethernet-1/1</name><mtu>1500</mtu></interface>\n"
    tail = b"</data></rpc-reply>"
    return head + entry * ((size - len(head) - len(tail)) // len(entry)) + tail


def split(stream: bytes, size: int) -> list[bytes]:
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def receive(reads: list[bytes], base: str) -> float:
    protocol = Protocol(Capabilities([base]))
    protocol.receive(
        f'<hello xmlns="{BASE_NS}"><capabilities><capability>{base}</capability></capabilities>'
        "<session-id>1</session-id></hello>]]>]]>".encode()
    )
    protocol.next_event()
    gc.collect()
    began = time.process_time()
    for read in reads:
        protocol.receive(read)
        event = protocol.next_event()
    took = time.process_time() - began
    assert isinstance(event, MessageReceived)
    return took


def collect(reads: list[bytes]) -> float:
    gc.collect()
    began = time.process_time()
    buffer = bytearray()
    for read in reads:
        buffer += read
    text = buffer.decode()
    took = time.process_time() - began
    assert text
    return took


def print_table(medians: dict[tuple[str, str, int], float], sizes: list[int]) -> None:
    columns = "".join(f"{f'{size} MB':>22}" for size in sizes)
    print(f"{'framing':16}{'reads':8}{columns}    CPU ms per MB (ratio to {sizes[0]} MB)")
    for framing in (*FRAMINGS, FLOOR):
        for read in READS:
            first = medians[framing, read, sizes[0]]
            cells = (medians[framing, read, size] for size in sizes)
            row = "".join(f"{each * 1000:14.3f} ({each / first:4.2f})" for each in cells)
            print(f"{framing:16}{read:8}{row}")


if __name__ == "__main__":
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        alike = {"MALLOC_MMAP_THRESHOLD_": str(64 * 1024)}
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | alike)
    main()
