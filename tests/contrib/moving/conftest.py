"""What the pages on moving over are tried with needs ncclient."""

from __future__ import annotations

import pytest

pytest.importorskip("ncclient", reason="needs ncclient: pip install 'ncwire[ncclient]'")
