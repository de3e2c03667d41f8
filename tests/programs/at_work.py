"""Runs a program at a server, over ncclient's own transport or over ncwire's."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from junos_peer import JunosLike

from ncwire.testing import EmbeddedServer
from programs import Place, Program
from servers.keyring import KeyRing
from servers.netconfd import Netconfd

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 300
_CHANGING = re.compile(
    r"urn:uuid:[-\w]+|\d{4}-\d\d-\d\dT[\d:.]+Z?|\d\d:\d\d:\d\d|message-id=\"[^\"]*\"|\d+\.\d+s"
)
DATASTORE = '<system xmlns="urn:example:system"><name>r1</name></system>'


@dataclass(frozen=True)
class Outcome:
    """What came of a program, and what the server saw of its clients."""

    status: int
    output: str
    errors: str
    seconds: float
    clients: frozenset[str]

    @property
    def told(self) -> str:
        """What it printed, without ids and times."""
        return _CHANGING.sub("-", self.output)


def run(program: Program, python: Path, driver: str | None) -> Outcome:
    """Run a program, over ncwire's driver, or over ncclient's own transport for None."""
    with _served(program.server) as (place, clients):
        command = program.command(python, place)
        profile = ["--profile", "netconfd"] if program.server == "netconfd" else []
        if driver is not None:
            carried = [str(python), "-m", "ncwire.contrib.ncclient", "--driver", driver, *profile]
            command = [*carried, *command]
        began = time.monotonic()
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **program.variables(python, place)},
        )
        taken = time.monotonic() - began
        seen = frozenset(clients())
    return Outcome(done.returncode, done.stdout, done.stderr, taken, seen)


@contextmanager
def _served(kind: str) -> Iterator[tuple[Place, object]]:
    if kind == "netconfd":
        with tempfile.TemporaryDirectory() as folder:
            real = Netconfd(KeyRing(Path(folder)), config="LogLevel DEBUG\n")
            try:
                place = Place(real.host, real.port, real.user, "", str(real.client_key))
                yield place, lambda: re.findall(r"remote software version (\S+)", real.log())
            finally:
                real.end()
        return
    script = JunosLike() if kind == "junos" else None
    with _clients() as clients, EmbeddedServer(script=script, datastore=DATASTORE) as server:
        yield Place(server.host, server.port, "admin", "admin"), lambda: clients


@contextmanager
def _clients() -> Iterator[list[str]]:
    """Note how the clients of an embedded server identify themselves."""
    seen: list[str] = []

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found = re.search(r"client (\S+)\)", record.getMessage())
            if found is not None:
                seen.append(found[1])

    logger = logging.getLogger("ncwire.testing.ssh_connection")
    handler, level, passes_on = Notes(), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield seen
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = passes_on
