"""The embedded server in a process of its own, which answers as the fast subsystem does.

Usage: python -m ncwire.bench.embedded USER
Reads a line with the public key that is let in, prints a line of JSON once it listens, and ends at
the end of stdin.
"""

from __future__ import annotations

import getpass
import logging
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.bench import child, subsystem
from ncwire.bench.keys import make_key
from ncwire.bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.testing.session_runner import Stream


@contextmanager
def running() -> Iterator[Target]:
    """Run the server until the end of the block. Raises `NcwireError` when it does not start."""
    with tempfile.TemporaryDirectory(prefix="ncwire-bench-") as name:
        folder = Path(name)
        user, key, known_hosts = getpass.getuser(), folder / "key", folder / "known_hosts"
        order = make_key(key)
        with child.running("ncwire.bench.embedded", user, order=order) as ready:
            known_hosts.write_text(ready["known_hosts"], encoding="ascii")
            yield Target(ready["host"], ready["port"], user, str(key), str(known_hosts))


def serve(stream: Stream) -> None:
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
        child.tell(ready)


if __name__ == "__main__":
    main()
