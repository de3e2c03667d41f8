"""The README's example runs as it stands."""

from __future__ import annotations

import textwrap
from pathlib import Path

README = Path(__file__).parents[2] / "README.rst"


def test_the_example_of_testing_without_a_device_runs():
    text = README.read_text(encoding="utf-8")
    section = text.partition("Testing without a device\n")[2]
    block = section.partition(".. code-block:: python\n\n")[2]
    indented = block[: block.index("\n\nDependencies")]

    exec(textwrap.dedent(indented), {})
