"""Errors of the transport: a session did not come to be, or has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ncwire.errors.base import NcwireError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TransportError(NcwireError):
    """The transport failed: no session came to be, or the one there was has ended."""


class SessionCloseError(TransportError):
    """The session ended.

    `in_buf` is what had arrived of a message that never became whole, `out_buf` what was queued
    and never left. The text gives their sizes only: both may hold configuration secrets.
    `closed_by` is "us" after a call of this program's (`close`, `close_session`, a hub's `close`,
    an interrupt), whatever the peer did then; "peer" where the peer has ended it, or the way to it
    is broken; "driver" after a fault of the driver's own; and "fork" in a child that was forked
    while the session was open: it lives on in the parent, to which it belongs. Other errors than
    this one are never an end of ours.
    """

    def __init__(
        self,
        in_buf: bytes | str,
        out_buf: bytes | str | None = None,
        *,
        closed_by: str = "peer",
        reason: str | None = None,
    ) -> None:
        self.in_buf = in_buf
        self.out_buf = out_buf
        self.closed_by = closed_by
        self.reason = reason
        super().__init__(in_buf, out_buf)

    def _text(self) -> str:
        text = _CLOSED.get(self.closed_by, "session closed by the peer")
        if self.reason:
            text += f": {self.reason}"
        if self.in_buf:
            text += f"; {len(self.in_buf)} bytes of an unfinished message had arrived"
        if self.out_buf:
            text += f"; {len(self.out_buf)} bytes were not sent"
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


_CLOSED = {
    "us": "session closed by us",
    "driver": "session ended by a fault of the driver",
    "fork": "session left to the parent process",
}


class StepTimeoutError(TransportError, TimeoutError):
    """A step of the session outlasted its budget; `step` names it, `seconds` is the budget."""

    def __init__(self, step: str, seconds: float) -> None:
        super().__init__(f"{step}: not done within {seconds:g} s")
        self.step = step
        self.seconds = seconds

    def at_jump_host(self, name: str) -> Self:
        """Return this same error, whose `step` names the jump host too."""
        if self.jump_host is None:
            self.step = f"{self.step} at jump host {name}"
        return super().at_jump_host(name)


class ListenError(TransportError):
    """Nothing can be listened on, or the listener is closed."""


class AuthenticationError(TransportError):
    """The server let none of our attempts in; `attempts` tells each and its outcome.

    `offered` are the methods that the server would still have taken.
    """

    def __init__(
        self, message: str, attempts: Sequence[str] = (), *, offered: Iterable[str] = ()
    ) -> None:
        self.attempts = tuple(attempts)
        self.offered = frozenset(offered)
        super().__init__(message)

    def _text(self) -> str:
        told = "; ".join(self._told())
        return f"{super()._text()} ({told})" if told else super()._text()

    def _told(self) -> Iterable[str]:
        return self.attempts


class PasswordExpiredError(AuthenticationError):
    """The server takes the password only to have it changed, which ncwire does not do."""


class PeerUserError(TransportError):
    """The server's end of a Unix socket is another user's; `owner` has it, not `wanted`.

    Both are uids, with the user's name where there is one: "0 (root)". Nothing was sent.
    """

    def __init__(self, owner: str, wanted: str) -> None:
        super().__init__(f"Unix socket: the server's end is owned by uid {owner}, not {wanted}")
        self.owner = owner
        self.wanted = wanted


class NetconfFramingError(TransportError):
    """The peer broke RFC 6242's framing, or a limit of ours; the session cannot go on."""


class MessageSizeError(NetconfFramingError):
    """A message or a header grew past its limit; `limit` is in bytes."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} is longer than the limit of {limit} bytes")
        self.what = what
        self.limit = limit


class UnsendableMessageError(TransportError, ValueError):
    """A message cannot be sent under the session's framing.

    Not a byte of it was sent, and the session lives; unless it was given in pieces, and some had
    been sent by then: the session has ended, see `BrokenMessageError`.
    """
