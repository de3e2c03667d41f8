"""The error of a persistent session that has no session just now."""

from __future__ import annotations

from ncwire.errors.transport import TransportError


class NoSessionError(TransportError, TimeoutError):
    """A `Persistent` has had no session to give for `seconds`; nothing was sent.

    `state` says what it does instead: "connecting" or "waiting". `next_attempt` is in how many
    seconds the next attempt begins, None where one is under way. The error's `__cause__` is what
    the last attempt failed with, or the last session ended with; None where there was none yet.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        state: str,
        cause: Exception | None,
        next_attempt: float | None,
    ) -> None:
        text = f"no session with {name} within {seconds:g} s: {state}"
        if next_attempt is not None:
            text += f", the next attempt is in {next_attempt:.1f} s"
        if cause is not None:
            text += f"; last: {cause}"
        super().__init__(text)
        self.seconds = seconds
        self.state = state
        self.next_attempt = next_attempt
        self.__cause__ = cause
