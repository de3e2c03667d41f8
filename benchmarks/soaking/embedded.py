"""The embedded server in a process of its own, with the tests' subsystem behind each session.

Usage: python benchmarks/soaking/embedded.py USER COMMAND
Reads a line with the public key that is let in, prints a line of JSON once it listens, and ends at
the end of stdin.
"""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    from ncwire.testing import ChannelStream

_READ = 1 << 16


def serve(command: list[str], stream: ChannelStream) -> None:
    """Hold one session: have the subsystem answer."""
    with subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        answering = threading.Thread(target=_answer, args=(process, stream), daemon=True)
        answering.start()
        with suppress(OSError):
            while data := stream.recv(_READ):
                view = memoryview(data)
                while view:
                    view = view[process.stdin.write(view) :]
        process.kill()
        answering.join()


def _answer(process: subprocess.Popen[bytes], stream: ChannelStream) -> None:
    assert process.stdout is not None
    with suppress(OSError):
        while data := process.stdout.read(_READ):
            stream.send(data)
    with suppress(OSError):
        stream.close()


def main() -> None:
    logging.getLogger().addHandler(logging.NullHandler())
    user, command, key = sys.argv[1], shlex.split(sys.argv[2]), sys.stdin.readline().strip()
    with EmbeddedServer(
        username=user, password=None, authorized_keys=[key], script=partial(serve, command)
    ) as server:
        ready = {
            "host": server.host,
            "port": server.port,
            "known_hosts": server.known_hosts_line(),
        }
        print(json.dumps(ready), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
