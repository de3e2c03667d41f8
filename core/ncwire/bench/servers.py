"""The server of a run: sshd where this user can run one, or else the embedded server."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.bench import embedded, machine, sshd
from ncwire.bench.floor.bare_paramiko import BareParamiko
from ncwire.bench.target import CHUNKED, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = "sshd"
EMBEDDED = "embedded"
DEVICE = "device"


@dataclass(frozen=True)
class Server:
    """A running server: which kind, where, and what that means for the figures."""

    kind: str
    target: Target
    about: str


@contextmanager
def running(kind: str | None) -> Iterator[Server]:
    """Run a server of that kind until the end of the block; None: sshd, or else the embedded one.

    Raises `NcwireError` when it cannot be started.
    """
    if kind == EMBEDDED:
        with embedded.running() as target:
            yield Server(EMBEDDED, target, _EMBEDDED)
        return
    with ExitStack() as stack:
        try:
            server = _sshd(stack)
        except sshd.SshdError as error:
            if kind is not None:
                raise
            target = stack.enter_context(embedded.running())
            server = Server(EMBEDDED, target, f"{_EMBEDDED} It stands in for sshd: {error}")
        yield server


def _sshd(stack: ExitStack) -> Server:
    with ExitStack() as trial:
        target = trial.enter_context(sshd.running())
        _log_in(target)
        stack.push(trial.pop_all())
    return Server(SSHD, target, _SSHD.format(machine.openssh().partition(",")[0] or "OpenSSH"))


def _log_in(target: Target) -> None:
    """Raise `SshdError` where sshd runs, but lets no one in: an account may be locked."""
    visitor = BareParamiko(target)
    try:
        visitor.open(CHUNKED)
    except (OSError, EOFError, visitor.error()) as error:
        raise sshd.SshdError(f"it does not let this user in ({error})") from error
    finally:
        visitor.close()


_SSHD = (
    "sshd ({}) on the loopback interface, started for this run. It answers every rpc at once, "
    "so that little of an rpc's time is the server's; most of connecting is."
)
_EMBEDDED = (
    "ncwire's embedded server on the loopback interface, in a process of its own. It is written "
    "in Python, and what it takes itself is in all rows alike: drivers are further apart than "
    "it shows."
)
