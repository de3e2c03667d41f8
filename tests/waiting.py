"""Waiting where no event, thread, process or fd can be awaited; a test that has one awaits that.

It is so with a line in another process's log, a lock that another process holds, a thread that is
to be in the middle of a call, and with what must not happen.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE = 0.01
_PATIENCE = 20.0
"""Seconds: far above what anything takes on a busy machine, since none of them is to decide."""


def eventually(
    happens: Callable[[], object],
    told: Callable[[], object] = lambda: "it has not happened",
    seconds: float = _PATIENCE,
) -> None:
    """Return once it happens; fail with what is `told` if it does not within so many seconds."""
    until = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < until, told()
        time.sleep(_PAUSE)


def let_pass(seconds: float) -> None:
    """Let time pass in which something must not happen; what did happen then is for the test."""
    time.sleep(seconds)
