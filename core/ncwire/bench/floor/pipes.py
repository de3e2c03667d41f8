"""For reference: the ssh program with the subsystem, and the subsystem alone, through pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from ncwire.bench import subsystem
from ncwire.bench.floor.bare import CIPHER, KILO, Bare

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.floor.framing import Chunks, EndMarker

READ = 64 * KILO
"""What a pipe holds (pipe(7)); more than 128 kB takes longer: see `bare_unix`."""


class Pipes(Bare):
    """`ssh -s` when `kind` is "ssh", else no SSH at all: what the server takes by itself."""

    def __init__(self, target: Any, kind: str = "ssh") -> None:
        super().__init__(target)
        self._kind = kind
        self._process: subprocess.Popen[bytes] | None = None
        self._in = self._out = -1

    def connect(self) -> None:
        """See `Bare`."""
        target = self.target
        ssh = [
            "ssh", "-F", "none", "-c", CIPHER, "-i", target.key, "-p", str(target.port),
            "-o", f"UserKnownHostsFile={target.known_hosts}", "-o", "BatchMode=yes",
            "-o", "IdentitiesOnly=yes", "-l", target.user, "-s", target.host, "netconf",
        ]  # fmt: skip
        alone = [sys.executable, "-IS", subsystem.__file__]
        self._process = subprocess.Popen(  # noqa: S603 - to our own server, as our own user
            ssh if self._kind == "ssh" else alone,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()

    def read_some(self) -> bytes:
        """See `Bare`."""
        return os.read(self._out, READ)

    def write(self, data: bytes) -> None:
        """See `Bare`."""
        os.write(self._in, data)

    def loop(
        self, request: bytes, receiver: Callable[[], Chunks | EndMarker]
    ) -> Callable[[], list[bytes]]:
        """See `Bare`."""
        fd_in, fd_out = self._in, self._out
        read, write = os.read, os.write

        def blocking() -> list[bytes]:
            write(fd_in, request)
            reads: list[bytes] = []
            feed = receiver().feed
            while True:
                data = read(fd_out, READ)
                reads.append(data)
                if feed(data):
                    return reads
                if not data:
                    raise EOFError

        return blocking

    def close(self) -> None:
        """Kill the program."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
