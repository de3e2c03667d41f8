"""What the quick suite samples, and `-m exhaustive` tries in full."""

from __future__ import annotations

import pytest


def sampled(name, quick, full):
    """Have a test take a value as `name`: one for the quick suite, one for the exhaustive."""
    return pytest.mark.parametrize(
        name,
        [
            pytest.param(quick, id="sampled"),
            pytest.param(full, id="in full", marks=pytest.mark.exhaustive),
        ],
    )
