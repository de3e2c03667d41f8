"""`Timeouts`: the budget of each step, in seconds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.driver.seconds import positive_seconds

if TYPE_CHECKING:
    from typing import Self


class DefaultBudget(float):
    """A budget that was not chosen: it equals that number, and yields to one that was."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The budget of each step, in seconds, and one for all that `connect` does.

    The steps of `connect` that are left out here have the seconds of its parameter `timeout`,
    or else these defaults. A budget that the overall deadline cuts short is named with it in
    the error. Raises `OptionError` for what is no number between 0 and a million.
    """

    connect: float = DefaultBudget(15.0)
    """Name resolution and TCP connect, all of the host's addresses together."""
    handshake: float = DefaultBudget(15.0)
    """SSH identification strings and key exchange."""
    auth: float = DefaultBudget(30.0)
    """Each authentication attempt, without the time that `auth_handler` takes to answer."""
    channel: float = DefaultBudget(15.0)
    """Opening the channel and starting the subsystem."""
    hello: float = DefaultBudget(30.0)
    """The server's hello, counted from the open channel."""
    rpc: float = DefaultBudget(30.0)
    """The reply to an rpc that is given no timeout of its own."""
    close: float = DefaultBudget(5.0)
    """Shutdown the session: unsent messages, the end of the stream, and freeing everything."""
    overall: float = DefaultBudget(120.0)
    """The whole of `connect`, with what its callbacks take; if it is left out, never less than its
    steps together."""

    def __post_init__(self) -> None:
        for budget in dataclasses.fields(self):
            positive_seconds(f"timeouts.{budget.name}", getattr(self, budget.name))

    def filled_from(self, others: Timeouts) -> Timeouts:
        """Return these budgets, with others in place of those that were not chosen.

        The steps among those still yield to `timeout`, as the defaults do.
        """
        filled = {}
        for each in dataclasses.fields(self):
            seconds = getattr(self, each.name)
            if isinstance(seconds, DefaultBudget):
                theirs = getattr(others, each.name)
                seconds = DefaultBudget(theirs) if each.name in _STEPS else theirs
            filled[each.name] = seconds
        return Timeouts(**filled)

    def settled(self, timeout: float | None = None, *, connect: float | None = None) -> Self:
        """Return these budgets with those filled in that were left out.

        Each step of `connect` gets `timeout`, or else its default; the TCP connect gets
        `connect` before its default. The overall budget becomes the sum of the steps, each
        taken once, where that is more than its default. `rpc` and `close` stay as they are.
        """
        given = {step: getattr(self, step) for step in _STEPS}
        for step, seconds in given.items():
            if isinstance(seconds, DefaultBudget):
                chosen = connect if timeout is None and step == "connect" else timeout
                given[step] = seconds if chosen is None else float(chosen)
        overall = self.overall
        if isinstance(overall, DefaultBudget):
            overall = DefaultBudget(max(overall, sum(given.values())))
        return dataclasses.replace(self, **given, overall=overall)


_STEPS = ("connect", "handshake", "auth", "channel", "hello")
