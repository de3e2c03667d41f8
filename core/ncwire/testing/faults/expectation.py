"""What is right: the outcome of each fault in each phase, by rules that name no driver."""

from __future__ import annotations

from dataclasses import dataclass

from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase, Stretch

NO_ERROR = "no error"
"""The session goes on as if nothing had happened."""
CLOSED = "closed by us"
"""`close_session` has done as asked."""

_LOST = {
    Stretch.HANDSHAKE: "HandshakeError",
    Stretch.LOGIN: "SSHError",
    Stretch.CHANNEL: "SSHError",
    Stretch.HELLO: "HelloMissingError",
    Stretch.OPEN: "SessionCloseError",
}
_LATE = {
    Stretch.CONNECT: "StepTimeoutError",
    Stretch.HANDSHAKE: "StepTimeoutError",
    Stretch.LOGIN: "StepTimeoutError",
    Stretch.CHANNEL: "StepTimeoutError",
    Stretch.HELLO: "HelloTimeoutError",
    Stretch.OPEN: "RPCTimeoutError",
}

_IN_A_LINE_BEFORE = (Phase.BANNER, Fault.GARBAGE)
"""Lines may come before the identification (RFC 4253 section 4.2). The garbage begins one that
swallows it, and it depends on a library whether such a line may be of any bytes."""

_IN_ONE_OF_TWO = (Phase.HOST_KEY_ASKED, Fault.DROPPED_BYTE)
"""OpenSSH's server sends its extensions (RFC 8308) by itself before it accepts the service. Where
they are late, it is their byte that is missing, and the answer that comes then takes its place."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The outcomes that are right, or the reason for which there is nothing to try."""

    outcomes: tuple[str, ...] = ()
    """Names of error classes, `NO_ERROR` or `CLOSED`; more than one where chance decides."""
    not_applicable: str = ""
    late: bool = False
    """Whether it is a deadline that finds the fault."""
    keepalive: bool = False
    """Whether only a keepalive can find it."""

    def __str__(self) -> str:
        return self.not_applicable or " or ".join(self.outcomes)


def expectation(phase: Phase, fault: Fault) -> Expectation:
    """Return what is right."""
    stretch = phase.traits.stretch
    if stretch is Stretch.CONNECT:
        return _while_connecting(fault)
    if stretch is Stretch.CLOSE:
        return Expectation((CLOSED,))
    if not fault.hurts:
        return Expectation((NO_ERROR,))
    if (phase, fault) == _IN_ONE_OF_TWO:
        return Expectation((_LATE[stretch], _LOST[Stretch.LOGIN]), late=True)
    if fault is Fault.STALL or (fault is Fault.DROPPED_BYTE and _is_waited_for(phase)):
        return _of_silence(phase)
    return Expectation(_of_a_loss(phase, fault), late=(phase, fault) == _IN_A_LINE_BEFORE)


def _of_silence(phase: Phase) -> Expectation:
    stretch = phase.traits.stretch
    if phase.traits.asks:
        return Expectation((_LATE[stretch],), late=True)
    return Expectation((_LOST[stretch],), keepalive=True)


def _of_a_loss(phase: Phase, fault: Fault) -> tuple[str, ...]:
    if (phase, fault) == _IN_A_LINE_BEFORE:
        return ("HandshakeError", "StepTimeoutError")
    if fault is Fault.DUPLICATE:
        # The original has done its work, and its copy is one packet too many for its MAC (RFC
        # 4253 section 6.4). It depends on how far a library reads ahead whether that is found in
        # this step or in the next, and on whether it gives out what it holds by then.
        if phase is Phase.SUBSYSTEM:
            return ("SSHError", "HelloMissingError")
        if phase.traits.stretch is Stretch.HELLO:
            return ("HelloMissingError", "SessionCloseError")
    return (_LOST[phase.traits.stretch],)


def _is_waited_for(phase: Phase) -> bool:
    """Whether a byte that is missing stays missing, as nothing comes that would take its place.

    A missing byte of the identification string leaves another one, and the signature over the
    key exchange does not fit.
    """
    return not (phase.traits.more_follows or phase is Phase.BANNER)


def _while_connecting(fault: Fault) -> Expectation:
    if fault is Fault.RESET:
        return Expectation(("ConnectError",))
    if fault is Fault.STALL:
        return Expectation((_LATE[Stretch.CONNECT],), late=True)
    return Expectation(
        not_applicable="no connection stands yet, and no byte passes: it is refused (reset), or "
        "there is no answer (stall)"
    )
