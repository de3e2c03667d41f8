"""The servers of a run: sshd where this user can run one, or else embedded ones."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ncwire.bench import beside, embedded, machine, sshd
from ncwire.bench.floor.bare_paramiko import BareParamiko
from ncwire.bench.target import CHUNKED, Target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SSHD = "sshd"
EMBEDDED = "embedded"
DEVICE = "device"


@dataclass(frozen=True)
class Server:
    """A running server: which kind, where, and what that means for the figures."""

    kind: str
    target: Target
    about: str
    ways: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """How drivers of other transports than SSH connect: `ncwire.connect`'s parameters by it."""


TRANSPORTS = ("ssh", "tls", "unix")
"""What there is a server for."""


@contextmanager
def running(kind: str | None, transports: Collection[str] = ("ssh",)) -> Iterator[Server]:
    """Run servers for these transports until the end of the block.

    Over SSH it is one of that kind; None: sshd, or else the embedded one. Raises `NcwireError`
    when one cannot be started.
    """
    with ExitStack() as stack:
        if "ssh" in transports:
            server = _ssh(stack, kind)
        else:
            server = Server(EMBEDDED, Target("", 0, "", "", ""), "")
        if {*transports} & {"tls", "unix"}:
            ways = stack.enter_context(beside.running())
            about = f"{server.about} {_BESIDE}".strip()
            server = replace(server, ways=ways, about=about)
        yield server


def _ssh(stack: ExitStack, kind: str | None) -> Server:
    if kind == EMBEDDED:
        return Server(EMBEDDED, stack.enter_context(embedded.running()), _EMBEDDED)
    try:
        return _sshd(stack)
    except sshd.SshdError as error:
        if kind is not None:
            raise
        target = stack.enter_context(embedded.running())
        return Server(EMBEDDED, target, f"{_EMBEDDED} It stands in for sshd: {error}")


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
_BESIDE = (
    "Over TLS, and on a Unix socket, it is ncwire's embedded server in another process, which "
    "answers at once, too; so these rows are beside those of SSH as one transport is beside "
    "another, each with a server of its own."
)
