"""The embedded server in a process of its own, which answers as the fast subsystem does.

Usage: python -m ncwire.bench.embedded USER
Reads a line with the public key that is let in, prints a line of JSON once it listens, and ends at
the end of stdin.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import select
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ncwire.bench import subsystem
from ncwire.bench.keys import make_key
from ncwire.bench.target import Target
from ncwire.errors import NcwireError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.testing import ChannelStream

_START = 30.0
_END = 10.0


@contextmanager
def running() -> Iterator[Target]:
    """Run the server until the end of the block. Raises `NcwireError` when it does not start."""
    with tempfile.TemporaryDirectory(prefix="ncwire-bench-") as name:
        folder = Path(name)
        user, key, known_hosts = getpass.getuser(), folder / "key", folder / "known_hosts"
        with _process(user) as process:
            requests, answers = _pipes(process)
            requests.write(f"{make_key(key)}\n".encode())
            requests.flush()
            there = select.select([answers], [], [], _START)[0]
            line = answers.readline() if there else b""
            if not line:
                raise NcwireError("the embedded server did not start; see its stderr")
            ready = json.loads(line)
            known_hosts.write_text(ready["known_hosts"], encoding="ascii")
            yield Target(ready["host"], ready["port"], user, str(key), str(known_hosts))


def serve(stream: ChannelStream) -> None:
    """Hold one session, as `subsystem.serve` does on pipes."""
    stream.send(subsystem.HELLO + subsystem.END_OF_MESSAGE)
    received = bytearray()
    end = subsystem.END_OF_MESSAGE
    chunked: bool | None = None
    while data := stream.recv(subsystem.READ):
        received += data
        while end in received:
            message = subsystem.cut(received, end)
            if chunked is None:
                chunked = subsystem.offers_chunks(message)
                end = subsystem.END_OF_CHUNKS if chunked else end
                continue
            for buffers in subsystem.answer(message, chunked=chunked):
                for buffer in buffers:
                    stream.send(buffer)
            if subsystem.CLOSE in message:
                stream.close()
                return


@contextmanager
def _process(user: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        [sys.executable, "-P", "-m", "ncwire.bench.embedded", user],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        process_group=0,  # Ctrl-C is for the process that has the terminal
    )
    try:
        yield process
    finally:
        requests, answers = _pipes(process)
        requests.close()
        try:
            process.wait(_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        answers.close()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    return process.stdin, process.stdout


def main() -> None:
    """Serve until the end of stdin."""
    # The command imports this module to start it, and is not to import the whole server.
    from ncwire.testing import EmbeddedServer  # noqa: PLC0415

    logging.getLogger().addHandler(logging.NullHandler())  # a client's end is none of a user's
    user, key = sys.argv[1], sys.stdin.readline().strip()
    with EmbeddedServer(
        username=user, password=None, authorized_keys=[key], script=serve
    ) as server:
        ready = {
            "host": server.host,
            "port": server.port,
            "known_hosts": f"{server.known_hosts_line()}\n",
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
