"""The mark by which a test cites its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ncwire.driver.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "ncwire_rule"
"""The mark's name, which `ncwire_pytest` registers."""


def rule(identity: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark the test of a rule. Raises KeyError for a rule that there is not."""
    return getattr(pytest.mark, MARKER)(RULES[identity].id)  # type: ignore[no-any-return]
