"""The README's first example, and calls like it, pass the type checkers that people run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.rst").read_text(encoding="utf-8")
SOURCES = [str(ROOT / "core"), str(ROOT / "drivers")]
PATIENCE = 280
pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(PATIENCE)]

CALLS = """
from typing import Unpack


def connected(name: str, **overrides: Unpack[ncwire.ConnectParameters]) -> ncwire.DriverSession:
    return ncwire.Inventory.load().connect(name, **overrides)


with connected("r1", port=22, accept_new=True) as session:
    checked: ncwire.Reply = session.rpc("<get/>", 5.0, check=True)
    print(checked.data.tag)
    for error in session.submit("<commit/>").result().errors:
        print(error.tag, error.message or "")
    session.set_keepalive(30)
    latest = session.notifications().get(0, None)
    print(latest.raw if latest is not None else ncwire.__version__)
    ncwire.Inventory.load().connect("r1", driver="libssh2", require_session_id=False)
"""
MISTAKEN = """
import ncwire

ncwire.Inventory.load().connect("r1", prot=22)
"""


def first_example() -> str:
    block = re.search(r"code-block:: python\n\n((?:    .*\n|\n)+)", README)
    assert block is not None
    return textwrap.dedent(block[1])


def mypy(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"),
            *("--config-file", os.devnull, "--cache-dir", str(ROOT / ".mypy_cache" / "examples")),
            str(file),
        ],
        cwd=file.parent,
        env=os.environ | {"MYPYPATH": os.pathsep.join(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def pyright(file: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("pyright", path=path)
    version = program and subprocess.run(
        [program, "--version"], capture_output=True, check=False, timeout=PATIENCE
    )
    if not program or (version and version.returncode):
        pytest.skip("pyright cannot run: pip install 'pyright[nodejs]', and it once loads itself")
    (file.parent / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "extraPaths": {SOURCES}}}'.replace("'", '"')
    )
    return subprocess.run(
        [program, "--pythonpath", sys.executable, "--project", str(file.parent)],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_they_find_nothing_wrong(checker, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(first_example() + CALLS)
    found = checker(file)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_they_find_a_mistaken_name(checker, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(MISTAKEN)
    found = checker(file)
    assert found.returncode == 1
    assert '"prot"' in found.stdout
