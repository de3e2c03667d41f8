"""Distributions that are installed for a test."""

from __future__ import annotations

import importlib
import textwrap
from typing import TYPE_CHECKING

import pytest

from metadata import write_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a distribution: its metadata and one module, in a folder of the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(
        name: str,
        source: str,
        *,
        distribution: str = "",
        version: str = "1.2",
        target: str = "TheDriver",
    ) -> None:
        distribution = distribution or f"wire_{name}"
        module = f"{distribution}_module"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        points = {name: f"{module}:{target}"}
        write_metadata(tmp_path, distribution, version, "ncwire.drivers", **points)
        importlib.invalidate_caches()

    return install
