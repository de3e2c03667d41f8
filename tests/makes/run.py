"""Print the matrix of makes: `python tests/makes/run.py`, with arguments of pytest's if need be.

Exits with pytest's status: 0 when no cell has failed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    options = ("-q", "--tb=short", "-r", "", "-m", "exhaustive or not exhaustive")
    sys.exit(pytest.main([str(Path(__file__).parent), *options, *sys.argv[1:]]))
