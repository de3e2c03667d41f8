"""The drivers on the pages for their authors are drivers: they run, and the kit judges them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from servers import requirement

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "drivers").glob("*.rst"))


def _block(caption: str) -> str:
    """Return the code block of this caption."""
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    _, found, rest = pages.partition(f"   :caption: {caption}\n\n")
    assert found, f"the pages have no block {caption}"
    lines = []
    for line in rest.splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).rstrip() + "\n"


def _failures(folder: Path, module: str, name: str, target: str) -> set[str]:
    """Run the kit for a driver of the page, and return the rules that it breaks."""
    (folder / f"{module}.py").write_text(_block(f"{module}.py"), encoding="utf-8")
    report = folder / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "ncwire_pytest", "-c", os.devnull),
            *("--rootdir", str(folder), "--noconftest", "-p", "no:cacheprovider", "-q"),
            *("--ncwire-driver", f"{module}:{name}", "--ncwire-target", target),
            *("--ncwire-report", str(report)),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert report.exists(), done.stdout + done.stderr
    (table,) = json.loads(report.read_text(encoding="utf-8"))
    verdicts = {rule: verdict["outcome"] for rule, verdict in table["rules"].items()}
    assert "passed" in verdicts.values()
    return {rule for rule, outcome in verdicts.items() if outcome == "failed"}


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
def test_the_smallest_driver_keeps_every_rule(tmp_path: Path) -> None:
    assert _failures(tmp_path, "ncwire_plain", "PlainDriver", "plain") == set()


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
def test_the_driver_over_asyncio_keeps_every_rule(tmp_path: Path) -> None:
    assert _failures(tmp_path, "ncwire_aio", "AioDriver", "plain") == set()


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
def test_the_driver_over_ssh_keeps_the_rules_that_bind_it(tmp_path: Path) -> None:
    requirement.program("ssh", "openssh-client")
    assert not _failures(tmp_path, "ncwire_sshpipe", "SSHPipeDriver", "ssh")


def test_the_metadata_registers_the_driver() -> None:
    metadata = tomllib.loads(_block("pyproject.toml"))
    assert metadata["project"]["entry-points"]["ncwire.drivers"] == {
        "example": "ncwire_example:ExampleDriver"
    }
    assert metadata["tool"]["setuptools"]["py-modules"] == ["ncwire_example"]


def test_the_test_file_is_python() -> None:
    ast.parse(_block("tests/test_conformance.py"))
