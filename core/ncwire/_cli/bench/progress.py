"""The bar of `ncwire bench`: who fails is told, and the others go on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rich.text import Text

from ncwire._cli.terminal import printable
from ncwire.bench.progress import TurnsProgress

if TYPE_CHECKING:
    from ncwire.bench.contest import ContestantError

_log = logging.getLogger(__name__)


class PatientProgress(TurnsProgress):
    """A bar that counts turns, and warns of each contestant that leaves."""

    def failed(self, error: ContestantError) -> None:
        """See `Watcher`."""
        _log.debug("%s", error)  # its traceback
        text = Text(f"ncwire: warning: {printable(error.name)} failed: {printable(error.reason)}")
        self.console.print(text, soft_wrap=True)
