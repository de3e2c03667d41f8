"""The server of all comparisons: OpenSSH's sshd on loopback, with the fast subsystem."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ncwire.bench import sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.bench.target import Target

ABOUT = {"kind": "sshd", "about": "OpenSSH's sshd on this machine, with a subsystem of its own"}


@contextmanager
def running(config: str = "", command: str | None = None) -> Iterator[Target]:
    """Run sshd until the end of the block; the parameters are those of `sshd.running`."""
    try:
        with sshd.running(config, command) as target:
            yield target
    except sshd.SshdError as error:
        raise SystemExit(f"these benchmarks need OpenSSH's sshd: {error}") from None
