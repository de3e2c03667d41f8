"""Starts a worker in a peer's environment: with what of ncwire needs nothing but the library.

Usage: PYTHON launch.py MODULE:CLASS
ncwire is not installed there, nor what it depends on; the name stands for its folder alone.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

package = ModuleType("ncwire")
package.__path__ = [str(Path(__file__).parents[2] / "core" / "ncwire")]
sys.modules["ncwire"] = package
# The script's own folder has modules that are named like the clients.
sys.path[0] = str(Path(__file__).parents[1])

import_module("ncwire.bench.worker").main()
