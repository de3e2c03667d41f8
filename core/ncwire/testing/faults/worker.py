"""A process that tries cells: `python -m ncwire.testing.faults.worker`.

It reads an array [driver, phase, fault, by await] a line from stdin, and writes the result's
object of JSON as a line to stdout. What it leaves behind, and what kills it, is its own.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys

from ncwire.testing.faults.cell import Cell
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase
from ncwire.testing.faults.trial import try_cell

LIMIT = 110.0
"""Seconds after which a cell hangs; where, stderr tells, and the process ends."""


def main() -> None:
    """Try what stdin names, to its end."""
    # A library that writes to stdout is not to be taken for a result.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    faulthandler.enable()
    with answers:
        for line in sys.stdin:
            driver, phase, fault, by_await = json.loads(line)
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            result = try_cell(Cell(driver, Phase(phase), Fault(fault), by_await))
            faulthandler.cancel_dump_traceback_later()
            answers.write(json.dumps(result.as_json()) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
