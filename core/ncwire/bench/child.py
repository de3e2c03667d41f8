"""A server of a run, in a process of its own, which tells where it is and ends with its stdin."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from ncwire.errors import NcwireError

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = 30.0
_END = 10.0


@contextmanager
def running(module: str, *arguments: str, order: str = "") -> Iterator[Any]:
    """Run a module of ours until the end of the block; yields what it tells, a line of JSON.

    `order` is the line that it reads first. Raises `NcwireError` when it does not start.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        process_group=0,  # Ctrl-C is for the process that has the terminal
    )
    requests, answers = _pipes(process)
    try:
        requests.write(f"{order}\n".encode())
        requests.flush()
        there = select.select([answers], [], [], _START)[0]
        line = answers.readline() if there else b""
        if not line:
            raise NcwireError("the embedded server did not start; see its stderr")
        yield json.loads(line)
    finally:
        requests.close()
        try:
            process.wait(_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        answers.close()


def tell(ready: Any) -> None:
    """Be that module: tell that the server runs, and wait until it is to end."""
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    return process.stdin, process.stdout
