"""An inventory of what a test writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ncwire import Inventory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Inventory]:
    """Load an inventory of this text."""

    def load(text: str) -> Inventory:
        path = tmp_path / "ncwire.toml"
        path.write_text(text)
        path.chmod(0o644)
        return Inventory.load(path)

    return load
