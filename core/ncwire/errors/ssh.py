"""Errors of SSH, from the socket to the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.errors.printable import one_line
from ncwire.errors.transport import AuthenticationError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ncwire.driver.algorithms import Algorithms


class SSHError(TransportError):
    """SSH failed; the text names the step.

    `is_lost_login` is True where the connection broke while the server had a credential to judge,
    and had denied none before on this connection: it may have failed by itself, or a server has
    refused by hanging up, as some do. Who tries again is to bound how often.
    """

    is_lost_login = False


class ConnectError(SSHError):
    """No socket to the peer could be opened; the text names each address and its error."""


class DisconnectError(SSHError):
    """The server has ended the connection by saying so (RFC 4253 section 11.1).

    No fault on the way does that, so during authentication it is an answer to what was tried.
    """


class HandshakeError(SSHError):
    """Banner or key exchange failed."""


class NoCommonAlgorithmError(HandshakeError):
    """Client and server have no algorithm of one kind in common.

    `kind` is the first such, as a field of `Algorithms`: "kex", "host_keys", "ciphers", "macs"
    or "compression". `ours` is what was offered, `theirs` what the server offers, None when the
    library did not let it be seen. `advice` tells which installed driver could talk to the
    server, and how.
    """

    def __init__(self, kind: str, ours: Algorithms, theirs: Algorithms | None) -> None:
        super().__init__(kind, ours, theirs)
        self.kind = kind
        self.ours = ours
        self.theirs = theirs
        self.advice = ""

    def _text(self) -> str:
        text = f"SSH handshake: no {_KINDS[self.kind]} in common: "
        text += f"we offer {_listed(self.ours, self.kind)}, "
        if self.theirs is None:
            text += "what the server offers is not known"
        else:
            text += f"the server {_listed(self.theirs, self.kind)}"
        return f"{text}; {self.advice}" if self.advice else text


_KINDS = {
    "kex": "key exchange",
    "host_keys": "host key algorithm",
    "ciphers": "cipher",
    "macs": "MAC",
    "compression": "compression",
}


_LONGEST_LIST = 1000  # the server's list is its own to fill


def _listed(offer: Algorithms, kind: str) -> str:
    return one_line(", ".join(getattr(offer, kind)), _LONGEST_LIST) or "none"


class ChannelError(SSHError):
    """The server refused the channel, or whatever was requested on it."""


class KeyFileError(SSHError, AuthenticationError):
    """A private key could not be used, and there was nothing else to log in with.

    `path` is its file, `problem` says why. `attempts` and `offered` are as for every
    `AuthenticationError`; `offered` is empty where nothing had been sent.
    """

    def __init__(
        self,
        path: str,
        problem: str,
        attempts: Sequence[str] = (),
        *,
        offered: Iterable[str] = (),
    ) -> None:
        super().__init__(f"private key {path}: {problem}", attempts, offered=offered)
        self.path = path
        self.problem = problem

    def left_out(self) -> str:
        """Return the line that tells of it among other attempts."""
        return f"publickey {self.path}: not tried, {self.problem}"

    def _told(self) -> Iterable[str]:
        # The text has begun with this one.
        return (each for each in self.attempts if each != self.left_out())


class KnownHostsFileError(SSHError):
    """The key of a new host could not be added to `path`; `problem` says why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"known_hosts file {path}: {problem}")
        self.path = path
        self.problem = problem
