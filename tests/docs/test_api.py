"""The reference has every public name, each in its module's section, and no other."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "ncwire"
PAGE = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
PUBLIC = [
    "ncwire",
    "ncwire.aio",
    "ncwire.aio.callhome",
    "ncwire.bench",
    "ncwire.callhome",
    "ncwire.contrib.ncclient",
    "ncwire.contrib.nornir",
    "ncwire.contrib.opentelemetry",
    "ncwire.driver",
    "ncwire.errors",
    "ncwire.inventory",
    "ncwire.observe",
    "ncwire.persistent",
    "ncwire.probe",
    "ncwire.profiles",
    "ncwire.testing",
    "ncwire.transport",
]


def sections() -> dict[str, str]:
    parts = re.split(r"^(ncwire[\w.]*)\n-+\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_public_module_has_a_section_and_no_other() -> None:
    assert sorted(sections()) == PUBLIC


def test_every_path_without_an_underscore_is_public_and_no_other() -> None:
    paths = {path.stem for path in CORE.iterdir() if path.suffix == ".py" or path.is_dir()}
    open_to_all = {f"ncwire.{name}" for name in paths if not name.startswith("_")}
    # Of what is below ncwire.contrib each package is public by itself.
    assert open_to_all == {".".join(each.split(".")[:2]) for each in PUBLIC} - {"ncwire"}


@pytest.mark.parametrize("module", PUBLIC)
def test_a_section_has_exactly_the_names_of_the_module(module: str) -> None:
    names = re.findall(r"^``(\w+)``$", sections()[module], flags=re.MULTILINE)
    assert sorted(names) == sorted(getattr(importlib.import_module(module), "__all__", ()))


def test_what_is_described_elsewhere_is_described_there() -> None:
    for elsewhere in re.findall(r"^    The same as ``([\w.]+)``\.$", PAGE, flags=re.MULTILINE):
        home, _, name = elsewhere.rpartition(".")
        entry = sections()[home].partition(f"\n``{name}``\n")[2]
        assert entry
        assert not entry.startswith("    The same as")
