"""The examples of the page on replayed devices are tests, and pass."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from ncwire.observe import TraceWriter

PAGE = Path(__file__).parents[2] / "docs" / "replay.rst"
BLOCKS = re.findall(
    r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", PAGE.read_text(encoding="utf-8")
)


@pytest.fixture
def path(tmp_path, connect):
    found = tmp_path / "r1.trace"
    with TraceWriter(found) as trace, connect(observers=[trace]) as session:
        session.rpc("<get-config><source><running/></source></get-config>")
    return str(found)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_example_passes(number, path, tmp_path, run_program):
    conftest = f"import pytest\n@pytest.fixture\ndef path():\n    return {path!r}\n"
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_example.py").write_text(textwrap.dedent(BLOCKS[number]))
    out = run_program(
        "import pytest, sys; print(pytest.main(['-p', 'ncwire_pytest', '-q', '-p', "
        "'no:cacheprovider', '-c', '/dev/null', sys.argv[1]]).name)",
        str(tmp_path / "test_example.py"),
        warnings="default",
    )
    assert "1 passed" in out
