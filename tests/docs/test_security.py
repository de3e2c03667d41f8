"""What SECURITY.rst names is there: files, rules of the contract, commands."""

from __future__ import annotations

import re
from pathlib import Path

from ncwire.driver.rules import RULES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.rst").read_text(encoding="utf-8")


def test_the_files_are_there():
    named = set(re.findall(r"\b(?:tests|fuzz|benchmarks)/[\w/.]+\.py", PAGE))
    assert len(named) > 30
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_the_rules_are_the_contracts():
    kinds = "|".join(sorted({rule.partition(".")[0] for rule in RULES}))
    named = set(re.findall(rf"``((?:{kinds})\.[\w-]+)``", PAGE))
    assert len(named) > 10
    assert named - set(RULES) == set()


def test_it_stands_in_the_documentation():
    assert "   security\n" in (ROOT / "docs" / "index.rst").read_text(encoding="utf-8")
