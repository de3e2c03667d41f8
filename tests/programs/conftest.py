"""Finds the peer that answers as Junos does, which is the drop-in's tests' own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "contrib" / "ncclient"))
