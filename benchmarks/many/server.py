"""An sshd for thousands of sessions: one light process each besides sshd's own."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from suite import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.bench.target import Target

CONFIG = "MaxStartups 10000\nLoginGraceTime 600\n"
HANDOVER = Path(__file__).with_name("handover.py")


@contextmanager
def running(config: str = "") -> Iterator[Target]:
    """Run sshd and the responder until the end of the block."""
    allow_files()
    with tempfile.TemporaryDirectory(prefix="ncwire-benchmark-") as folder:
        path = Path(folder, "responder")
        with subprocess.Popen(
            [sys.executable, "-m", "many.responder", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ) as responder:
            assert responder.stdout is not None
            assert responder.stdin is not None
            if responder.stdout.readline() != b"ready\n":
                raise SystemExit("the responder did not start")
            command = shlex.join(
                [os.path.realpath(sys.executable), "-IS", str(HANDOVER), str(path)]
            )
            with server.running(CONFIG + config, command) as target:
                yield target
            responder.stdin.close()


def allow_files() -> None:
    """Let this process and its children have as many open files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
