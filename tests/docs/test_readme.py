"""The README is short, and what it says to type is what works; what it left to a page is there."""

from __future__ import annotations

import ast
import configparser
import dataclasses
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ncwire import Limits, Timeouts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.rst").read_text(encoding="utf-8")
USAGE = (ROOT / "docs" / "usage.rst").read_text(encoding="utf-8")
COMMAND = (ROOT / "docs" / "command.rst").read_text(encoding="utf-8")
SIZES = {"GiB": 1 << 30, "MiB": 1 << 20}


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 150


def test_its_first_command_brings_every_driver() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = setup["options.extras_require"]
    assert set(extras["libssh2"].split()) <= set(extras["all"].split())
    first = re.search(r"^    (.+)$", README.partition("::\n\n")[2], re.MULTILINE)
    assert first is not None
    assert "pip install '.[all]' && ncwire demo" in first[1]


def test_its_test_command_is_that_of_the_ci() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    command = re.search(r'^readonly tests="(.+)"$', run, re.MULTILINE)
    assert command is not None
    assert f"    {command[1]}\n" in README


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"<([\w./-]+)>`_", README)
    assert len(links) > 15
    assert [each for each in links if not (ROOT / each).is_file()] == []


@pytest.mark.parametrize("page", ["README", "USAGE"])
def test_its_examples_are_python(page: str) -> None:
    blocks = re.findall(r"code-block:: python\n\n((?:    .*\n|\n)+)", globals()[page])
    assert blocks
    for block in blocks:
        ast.parse(textwrap.dedent(block))


def test_the_example_of_testing_without_a_device_runs() -> None:
    section = USAGE.partition("\nTesting without a device\n")[2]
    block = section.partition(".. code-block:: python\n\n")[2]
    found = re.match(r"(?:    .*\n|\n)+", block)
    assert found is not None
    names: dict[str, object] = {}
    exec(textwrap.dedent(found[0]), names)
    assert "reply" in names


def test_every_exit_code_and_command_of_its_help_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ncwire", "--help"],
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    _, commands, codes = re.split(r"^commands:|^exit codes:", done.stdout, flags=re.MULTILINE)
    listed = re.findall(r"^    (\w+)  ", commands, re.MULTILINE)
    assert len(listed) > 10
    assert [each for each in listed if f"\n    ncwire {each} " not in COMMAND] == []
    told = " ".join(COMMAND.split())
    meanings = re.findall(r"^ +(\d+)  (.+)$", codes, re.MULTILINE)
    assert len(meanings) > 10
    for code, meaning in meanings:
        assert f"{code} {meaning}".replace("<rpc-error>", "``<rpc-error>``") in told


def test_the_defaults_that_the_page_tells_are_the_codes() -> None:
    for name, seconds in dataclasses.asdict(Timeouts()).items():
        assert re.search(rf"^``{name}`` +{seconds:.0f} ", USAGE, re.MULTILINE), name
    limits = USAGE.partition("\nLimits\n")[2]
    for name, size in dataclasses.asdict(Limits()).items():
        told = re.search(rf"^``{name}`` +(\d+)( [GM]iB)? ", limits, re.MULTILINE)
        assert told is not None, name
        assert int(told[1]) * SIZES.get((told[2] or "").strip(), 1) == size
