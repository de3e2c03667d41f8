"""The fault matrix: each fault in each phase of a session, on any driver.

`python -m ncwire.testing.faults` runs it; docs/fault-matrix.rst tells what is right.
"""

from __future__ import annotations

from ncwire.testing.faults.cell import Cell, Result, cells
from ncwire.testing.faults.crew import Crew
from ncwire.testing.faults.expectation import Expectation, expectation
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase

__all__ = ["Cell", "Crew", "Expectation", "Fault", "Phase", "Result", "cells", "expectation"]
