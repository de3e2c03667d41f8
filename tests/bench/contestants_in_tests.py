"""Contestants that need no server, for processes of their own."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncwire.bench import subsystem
from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case


class Instant(Contestant):
    """Answers at once; what it `notes` it writes where `journal` says."""

    def open(self, framing: str) -> None:
        self.note("opens")

    def close(self) -> None:
        self.note("closes")

    def note(self, what: str) -> None:
        if what in self.parameters.get("notes", ()):
            with Path(self.parameters["journal"]).open("a") as journal:
                journal.write(f"{self.parameters['says']} {what}\n")

    def prepare(self, case: Case) -> Callable[[], object]:
        self.note("has a turn")
        framed = subsystem.reply(b"1", case.size, 0, chunked=False)
        return lambda: framed

    def document(self, reply: Any) -> bytes:
        return bytes(reply).removesuffix(subsystem.END_OF_MESSAGE)


class Failing(Instant):
    """Fails in the batch of that number."""

    batches = 0

    def prepare(self, case: Case) -> Callable[[], object]:
        Failing.batches += 1
        if Failing.batches == self.parameters["at"]:
            raise ConnectionError("the line\nbroke")
        return super().prepare(case)


class Dying(Instant):
    def prepare(self, case: Case) -> Callable[[], object]:
        os._exit(1)


class Hanging(Instant):
    def prepare(self, case: Case) -> Callable[[], object]:
        time.sleep(600)
        raise AssertionError


class Wrong(Instant):
    """Loses a byte of each reply."""

    def document(self, reply: Any) -> bytes:
        return super().document(reply).replace(b"<data>\n", b"<data>", 1).replace(b"<ok/>", b"")


class Secretive(Instant):
    """Tells what others could read of it."""

    def open(self, framing: str) -> None:
        for readable in ("cmdline", "environ"):
            if self.parameters["password"] in Path("/proc/self", readable).read_text():
                raise AssertionError("others can read the password")
