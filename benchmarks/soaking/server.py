"""The server of a soak: OpenSSH's sshd, or else the embedded one; the tests' subsystem in both."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.bench import sshd
from ncwire.bench.keys import make_key
from ncwire.bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = "sshd"
EMBEDDED = "embedded"
_ROOT = Path(__file__).parents[2]
_SUBSYSTEM = _ROOT / "tests" / "servers" / "netconf_subsystem.py"
_END = 10.0


@contextmanager
def running(kind: str | None) -> Iterator[tuple[str, Target]]:
    """Run a server until the end of the block; yields in words which one, and where it is.

    None: sshd where it can be run, the embedded server if not.
    """
    with ExitStack() as stack:
        if kind == EMBEDDED:
            yield "the embedded server", stack.enter_context(_embedded())
            return
        try:
            target = stack.enter_context(sshd.running(command=_subsystem()))
        except sshd.SshdError as error:
            if kind == SSHD:
                raise
            yield f"the embedded server, for {error}", stack.enter_context(_embedded())
            return
        yield "OpenSSH's sshd", target


def _subsystem() -> str:
    return shlex.join([os.path.realpath(sys.executable), "-IS", str(_SUBSYSTEM)])


@contextmanager
def _embedded() -> Iterator[Target]:
    with tempfile.TemporaryDirectory(prefix="ncwire-soak-") as name:
        folder = Path(name)
        user, key, known_hosts = getpass.getuser(), folder / "key", folder / "known_hosts"
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                str(Path(__file__).with_name("embedded.py")),
                user,
                _subsystem(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{make_key(key)}\n")
            process.stdin.flush()
            ready = json.loads(process.stdout.readline())
            known_hosts.write_text(ready["known_hosts"] + "\n", encoding="ascii")
            yield Target(ready["host"], ready["port"], user, str(key), str(known_hosts))
        finally:
            process.stdin.close()
            try:
                process.wait(_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
