"""The server of all comparisons: OpenSSH's sshd on loopback, with the fast subsystem."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from suite.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCHMARKS = Path(__file__).parent.parent
sys.path.append(str(BENCHMARKS.parent / "tests"))

from servers import requirement  # noqa: E402 - found through the line above
from servers.keyring import KeyRing  # noqa: E402
from servers.sshd import Sshd, SshdSettings  # noqa: E402

SUBSYSTEM = Path(__file__).with_name("subsystem.py")


@contextmanager
def running(config: str = "", command: str | None = None) -> Iterator[Target]:
    """Run sshd until the end of the block.

    `config` are lines for sshd_config; `command` is what to start for each session, by default
    the fast subsystem.
    """
    if requirement.find("sshd") is None:
        raise SystemExit("these benchmarks need OpenSSH's sshd (Debian package openssh-server)")
    if command is None:
        # By its real path: a wrapper on PATH may take longer to start.
        command = shlex.join([os.path.realpath(sys.executable), "-IS", str(SUBSYSTEM)])
    with tempfile.TemporaryDirectory(prefix="ncwire-benchmark-") as folder:
        # sshd starts the command by the user's shell, which then reads the files of a home that
        # has none: what people have there can take longer than all that is measured.
        lines = f"LogLevel INFO\nSetEnv HOME={folder}\n{config}"
        settings = SshdSettings(subsystems={"netconf": command}, config=lines)
        sshd = Sshd(settings, KeyRing(Path(folder)))
        try:
            yield Target(
                sshd.host, sshd.port, sshd.user, str(sshd.client_key), str(sshd.known_hosts)
            )
        finally:
            sshd.end()
