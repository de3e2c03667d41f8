"""`try_cell`: does a fault to a session, and judges what becomes of it."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ncwire import SSHSession, Timeouts
from ncwire._plugins import registry
from ncwire.driver import Feature, SSHDriver
from ncwire.errors import NcwireError, RPCTimeoutError, StepTimeoutError
from ncwire.testing.conformance.resources import Resources, left_since
from ncwire.testing.faults.cell import NOT_APPLICABLE, RIGHT, WRONG, Result
from ncwire.testing.faults.dialogue import BEFORE, BURST
from ncwire.testing.faults.expectation import CLOSED, NO_ERROR
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase, Stretch
from ncwire.testing.faults.stage import Stage
from ncwire.testing.faults.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ncwire.driver import Backend
    from ncwire.testing.faults.cell import Cell
    from ncwire.testing.faults.expectation import Expectation

BUDGET = 1.0
"""Seconds for the step that the fault is to delay, where it is to be found by that."""
AMPLE = 60.0
"""Seconds for each step that nothing delays: a fault that only this finds is found too late."""
CLOSE = 2.0
KEEPALIVE = 0.5
SLACK = 25.0
"""Seconds by which a machine with other work may be late: no other time decides a cell."""
_PATIENCE = 10.0
"""Seconds that what ends on its own, in other threads, may take to do so."""
_TRIES = 4
_BUDGETS = {
    Stretch.CONNECT: "connect",
    Stretch.HANDSHAKE: "handshake",
    Stretch.LOGIN: "auth",
    Stretch.CHANNEL: "channel",
    Stretch.HELLO: "hello",
    Stretch.OPEN: "rpc",
}
_TAKES_WHAT_CAME = frozenset(fault for fault in Fault if fault is Fault.RESET or fault.breaks)


def try_cell(cell: Cell) -> Result:
    """Return what the cell comes to.

    A budget that is over before the fault could happen, as on a machine with other work, is
    doubled, and the cell is tried again.
    """
    driver = registry.load(cell.driver)
    if reason := not_applicable(cell, driver):
        return Result(cell, NOT_APPLICABLE, reason)
    for doubling in range(_TRIES):
        trial = _Trial(cell, driver, BUDGET * 2**doubling)
        result = trial.run()
        if trial.struck:
            return result
    return result.with_problem("the fault never happened: its phase was not reached")


def not_applicable(cell: Cell, driver: type[Backend]) -> str:
    """Return why there is nothing to try; "" when there is."""
    expected = cell.expected
    if expected.not_applicable:
        return expected.not_applicable
    needs = cell.phase.traits.needs
    if needs is not None and needs not in driver.features:
        return f"the driver does not have the feature {needs.value}"
    if expected.keepalive and Feature.KEEPALIVE not in driver.features:
        return "only a keepalive finds it, and the driver sends none"
    return ""


class _Trial:
    """One try of one cell."""

    def __init__(self, cell: Cell, driver: type[Backend], budget: float) -> None:
        self.struck = False
        """Whether the fault happened."""
        self._cell = cell
        self._phase = cell.phase
        self._fault = cell.fault
        self._expected: Expectation = cell.expected
        self._driver = driver
        self._budget = budget
        self._error: NcwireError | None = None
        self._told_at = 0.0

    def run(self) -> Result:
        before = Resources.now()
        with _complaints() as problems:
            with Stage(self._cell, self._driver) as stage:
                problems.extend(self._played(stage))
            if left := left_since(before, _PATIENCE):
                problems.append(f"left behind: {left}")
        seen = self._outcome
        text = f"{seen}: {self._error}" if self._error is not None else seen
        if seen not in self._expected.outcomes:
            problems.append(f"not {self._expected}")
        seconds = max(0.0, self._told_at - stage.strike.at) if stage.strike.at else 0.0
        verdict = WRONG if problems else RIGHT
        return Result(self._cell, verdict, text, seconds, tuple(problems))

    def _played(self, stage: Stage) -> list[str]:
        self._begun = time.monotonic()
        if not self._cell.by_await:
            return self._played_with(SSHSession(driver=self._driver), stage)
        # As an event loop is a good deal to import.
        from ncwire.testing.faults.awaited import AwaitedSession  # noqa: PLC0415

        session = AwaitedSession(self._driver)
        try:
            return self._played_with(session, stage)
        finally:
            session.release()

    def _played_with(self, session: SSHSession, stage: Stage) -> list[str]:
        witness = Witness(session)
        session.load_known_hosts(stage.known_hosts())
        try:
            session.connect(**stage.parameters(), **self._budgets())
            self._act(session, witness, stage)
        except NcwireError as error:
            self._error = error
        self._told_at = time.monotonic()
        self._outcome = self._judged(session)
        self.struck = stage.strike.done.is_set()
        problems = [*self._problems(session, stage), *self._ended(session, stage)]
        return [*problems, *witness.problems(_PATIENCE), *self._heard(witness, stage)]

    def _budgets(self) -> dict[str, Any]:
        seconds = dict.fromkeys(("connect", "handshake", "auth", "channel", "hello", "rpc"), AMPLE)
        if self._expected.late:
            seconds[_BUDGETS[self._phase.traits.stretch]] = self._budget
        budgets: dict[str, Any] = {"timeouts": Timeouts(**seconds, close=CLOSE)}
        if self._expected.keepalive:
            budgets |= {"keepalive": KEEPALIVE, "keepalive_count": 1}
        return budgets

    # --- what the client does ------------------------------------------------------------------

    def _act(self, session: SSHSession, witness: Witness, stage: Stage) -> None:
        """Bring the session into its phase; raise what the client is told then."""
        if self._phase.traits.stretch not in (Stretch.OPEN, Stretch.CLOSE):
            self._go_on(session, witness)
            return
        session.rpc("<get/>", AMPLE)
        match self._phase:
            case Phase.IDLE:
                stage.strike.in_silence()
                if not stage.strike.done.is_set():
                    stage.send_ignorable()
                    stage.strike.done.wait(SLACK)
            case Phase.RPC_OUT:
                stage.strike.at_next_bytes()
                session.rpc("<get/>")
            case Phase.RPC_WAITING:
                witness.ask("<wait/>")
                session.rpc("<wait/>")
            case Phase.REPLY_HALF_IN:
                session.rpc("<halves/>")
            case Phase.NOTIFICATIONS:
                session.rpc("<create-subscription/>", AMPLE)
                stage.strike.done.wait(AMPLE)
                if not self._fault.hurts:
                    # `close` begins with an end to what has come and was not heard yet.
                    witness.has_heard(BEFORE + BURST, AMPLE)
            case Phase.CLOSING:
                session.close_session()
                return
        self._go_on(session, witness)

    def _go_on(self, session: SSHSession, witness: Witness) -> None:
        """Find out whether the session lives: what hurts it is told without being asked for."""
        if self._fault.hurts:
            witness.told.wait(AMPLE)
        else:
            session.rpc("<get/>")
        if session.cause is not None:
            raise session.cause

    # --- what is judged ------------------------------------------------------------------------

    def _judged(self, session: SSHSession) -> str:
        if self._phase is Phase.CLOSING:
            closed_by = getattr(session.cause, "closed_by", None)
            return CLOSED if closed_by == "us" else f"closed by {closed_by}"
        return NO_ERROR if self._error is None else type(self._error).__name__

    def _problems(self, session: SSHSession, stage: Stage) -> Iterator[str]:
        error, step = self._error, self._phase.traits.step
        # A driver whose steps the core does not run has names of its own for them.
        named = issubclass(self._driver, SSHDriver)
        other = isinstance(error, StepTimeoutError) and not error.step.startswith(step)
        if named and other:
            yield f"the error is not of the step {step!r}: {error}"
        lives = error is None or isinstance(error, RPCTimeoutError)
        if lives and self._phase is not Phase.CLOSING and not session.connected:
            yield f"the session has ended: {session.cause!r}"
        if not lives and session.cause is not error:
            yield f"the cause is {session.cause!r}, not what was raised"
        seconds = self._told_at - (stage.strike.at or self._begun)
        if seconds > self._limit():
            yield f"the client was told after {seconds:.1f} s, not within {self._limit():g} s"

    def _limit(self) -> float:
        if not self._fault.hurts:
            return AMPLE
        if self._expected.keepalive:
            return 2 * KEEPALIVE + SLACK
        if self._phase is Phase.CLOSING:
            return 2 * CLOSE + SLACK
        return (self._budget if self._expected.late else 0.0) + SLACK

    def _ended(self, session: SSHSession, stage: Stage) -> Iterator[str]:
        """End the session, if it has not ended, and see that it lets go of its socket."""
        begun = time.monotonic()
        session.close()
        if (seconds := time.monotonic() - begun) > CLOSE + SLACK:
            yield f"close took {seconds:.1f} s"
        if session.connected or session.is_alive():
            yield "the session lives after close"
        # What is held back would keep the proxy from seeing that the client has closed its end.
        stage.proxy.thaw()
        if not stage.is_released(_PATIENCE):
            yield "the client's socket is open after close"

    def _heard(self, witness: Witness, stage: Stage) -> Iterator[str]:
        # TCP's reset takes what was not read yet, and so does libssh2 1.11.1 at a broken packet.
        if self._phase is not Phase.NOTIFICATIONS or self._fault in _TAKES_WHAT_CAME:
            return
        due = BEFORE + (stage.strike.spared if self._fault.hurts else BURST)
        if Feature.ALGORITHMS not in self._driver.features:
            due = min(due, BEFORE)  # its packets cannot be counted
        if not witness.has_heard(due, _PATIENCE):
            yield f"{due} notifications came before the fault, {len(witness.events)} were heard"


@contextmanager
def _complaints() -> Generator[list[str]]:
    """Collect what threads die of, and what ncwire logs as an error, meanwhile."""
    complaints: list[str] = []
    handler = _Collector(complaints)
    logger = logging.getLogger("ncwire")
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda died: complaints.append(
        f"thread {died.thread and died.thread.name} died of {died.exc_value!r}"
    )
    sys.unraisablehook = lambda ignored: complaints.append(f"ignored: {ignored.exc_value!r}")
    logger.addHandler(handler)
    try:
        yield complaints
    finally:
        logger.removeHandler(handler)
        threading.excepthook, sys.unraisablehook = hooks


class _Collector(logging.Handler):
    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        # The server of the matrix sees faults, too, and says so.
        if not record.name.startswith("ncwire.testing"):
            self._complaints.append(f"logged by {record.name}: {record.getMessage()}")
