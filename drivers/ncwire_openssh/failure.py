"""What an ssh that has ended means in ncwire's errors."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from ncwire.driver import Algorithms, no_identification
from ncwire.errors import (
    ConnectError,
    HandshakeError,
    NoCommonAlgorithmError,
    SSHError,
    StepTimeoutError,
    TransportError,
    UnsupportedOption,
)
from ncwire_openssh.authentication import not_authenticated
from ncwire_openssh.journal import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire.driver import ConnectOptions
    from ncwire_openssh.journal import Journal
    from ncwire_openssh.master import Master

_FATAL = 255
"""ssh's exit status for any failure of its own."""
_LOST = r"Connection (?:reset|closed|corrupted)|Broken pipe|authentication code incorrect"
_NO_NAMES = ("ext-info-", "kex-strict-")
"""They stand among the key exchanges, and are none (RFC 8308; OpenSSH's PROTOCOL)."""
_KINDS = {
    "key exchange method": "kex",
    "host key type": "host_keys",
    "cipher": "ciphers",
    "MAC": "macs",
    "compression method": "compression",
}


def failure(
    master: Master,
    driver: str,
    options: ConnectOptions,
    offered: Callable[[], Algorithms],
    account: str,
    asked: Sequence[str],
) -> TransportError | UnsupportedOption:
    """Return the error that stands for the end of ssh before a channel was open.

    It goes by how far ssh had got rather than by its words, as far as that is enough. `offered`
    tells what this ssh offers. `account` is how a ProxyCommand has failed, "" for none that has.
    `asked` are the prompts that the server has put.
    """
    reason = master.reason()
    journal = master.journal
    error: TransportError | UnsupportedOption
    if not journal.find(r"debug1: (?:Connecting to|Executing proxy|Local version) .*"):
        error = _not_begun(reason, driver, options)
    elif journal.phase is Phase.CONNECT:
        error = _no_connection(reason, options)
    elif journal.judged and journal.phase is Phase.HANDSHAKE and re.search(_LOST, reason):
        error = SSHError(f"{Phase.HANDSHAKE.value}: {reason}")
    elif journal.phase is Phase.HANDSHAKE:
        error = _nothing_in_common(journal, offered) or HandshakeError(
            f"{Phase.HANDSHAKE.value}: {account or _no_identification(journal) or reason}"
        )
    elif journal.phase is Phase.AUTH:
        error = not_authenticated(journal, reason, options, asked)
    else:
        error = SSHError(f"{journal.phase.value}: {reason}")
    error.__cause__ = subprocess.CalledProcessError(_FATAL, "ssh", stderr=reason)
    return error


def not_agreed(journal: Journal, options: ConnectOptions) -> None:
    """Raise `NoCommonAlgorithmError` for a compression that was agreed on and not wanted.

    ssh always offers both, and tells only in which order.
    """
    chosen, agreed = options.algorithms, journal.info().compression
    wanted = ("none",) if chosen is None else chosen.compression or ("none",)
    if agreed and agreed not in wanted:
        raise NoCommonAlgorithmError(
            "compression", Algorithms(compression=wanted), Algorithms(compression=(agreed,))
        )


def _not_begun(
    reason: str, driver: str, options: ConnectOptions
) -> TransportError | UnsupportedOption:
    if options.algorithms is not None and ("spec" in reason or "lgorithm" in reason):
        return UnsupportedOption(driver, "algorithms", reason)
    if "Bad configuration option" in reason or "Unsupported option" in reason:
        return UnsupportedOption(driver, "driver_options", f"this ssh cannot: {reason}")
    return ConnectError(reason)


def _no_connection(reason: str, options: ConnectOptions) -> TransportError:
    if reason.endswith("Connection timed out"):
        return StepTimeoutError(f"TCP connect to {options.host}", options.timeouts.connect)
    return ConnectError(reason)


def _nothing_in_common(
    journal: Journal, offered: Callable[[], Algorithms]
) -> NoCommonAlgorithmError | None:
    found = journal.find(
        r"Unable to negotiate with .*: no matching (.*) found\. Their offer: (.*)"
    )
    kind = _KINDS.get(found[1]) if found else None
    if found is None or kind is None:
        return None
    names = [name for name in found[2].rstrip().split(",") if not name.startswith(_NO_NAMES)]
    theirs = Algorithms(**{kind: tuple(names)})
    return NoCommonAlgorithmError(kind, offered(), theirs)


def _no_identification(journal: Journal) -> str:
    """Return why the peer speaks no SSH; "" where it does."""
    if journal.find(r"debug1: Remote protocol version .*"):
        return ""
    start = "debug1: kex_exchange_identification: banner line "
    lines = [line for line in journal.lines if line.startswith(start)]
    said = [line.removeprefix(start).partition(": ")[2] for line in lines]
    return no_identification("\n".join(said).encode())
