"""`Outcome`: what a thread waits for, which may serve the connection meanwhile."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Outcome(ABC):
    """What one thread waits for, while it serves the connection or another does."""

    __slots__ = ()

    done: bool
    """Whether there is something for the thread that waits."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Wait until there is, or for so many seconds. For one thread only."""
