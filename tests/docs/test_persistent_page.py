"""The page on sessions that come back: its example runs, and its table has the true numbers."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from pathlib import Path

from ncwire.persistent import Backoff

PAGE = (Path(__file__).parents[2] / "docs" / "persistent.rst").read_text(encoding="utf-8")


def test_its_example_runs(capsys) -> None:
    block = PAGE.partition(".. code-block:: python\n\n")[2]
    found = re.match(r"(?:    .*\n|\n)+", block)
    assert found is not None
    names: dict[str, object] = {}
    exec(textwrap.dedent(found[0]), names)
    assert "reply" in names
    printed = capsys.readouterr().out
    assert printed.startswith("2 sessions, ")
    assert "session closed by us" in printed


def test_the_backoffs_defaults_are_the_codes() -> None:
    for each in dataclasses.fields(Backoff):
        if each.name != "random":
            assert re.search(rf"^``{each.name}`` +{each.default} ", PAGE, re.MULTILINE), each.name
