"""CONTRIBUTING.rst names what the CI installs and runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8")
RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_it_names_every_package_that_the_ci_installs() -> None:
    packages = re.search(r"^readonly packages=\((.+)\)$", RUN, re.MULTILINE)
    assert packages is not None
    named = re.search(r"^    apt-get install (.+)$", PAGE.replace("\\\n", ""), re.MULTILINE)
    assert named is not None
    assert set(packages[1].split()) <= set(named[1].split())


def test_its_checks_of_style_are_those_of_the_ci() -> None:
    checks = RUN.partition('title "style and types"\n')[2].partition("\n\n")[0].splitlines()
    assert len(checks) >= 3
    assert f"    {' && '.join(checks)}\n" in PAGE
