"""The page on asyncio: its first example runs, and the others are Python."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import socket
import textwrap
from pathlib import Path

import ncwire
from ncwire.testing import EmbeddedServer, EmbeddedUnixServer

PAGE = (Path(__file__).parents[2] / "docs" / "aio.rst").read_text(encoding="utf-8")
BLOCKS = [
    textwrap.dedent(block)
    for block in re.findall(
        r"code-block:: python\n(?:   :caption: .*\n)?\n((?:    .*\n|\n)+)", PAGE
    )
]


def test_the_first_example_asks_devices() -> None:
    program: dict[str, object] = {}
    exec(BLOCKS[0], program)
    collect = program["collect"]
    assert callable(collect)
    with EmbeddedUnixServer() as near, EmbeddedServer() as far:
        devices = [
            {"host": None, "driver": "unix", "driver_options": {"path": os.fspath(near.path)}},
            {
                "host": far.host,
                "port": far.port,
                "username": far.username,
                "password": far.password,
                "hostkey_b64": far.host_key.base64,
                "allow_agent": False,
                "look_for_keys": False,
            },
            {"host": None, "driver": "unix", "driver_options": {"path": "/nowhere"}},
        ]
        first, second, third = asyncio.run(collect(*devices))
    for ok, length, size in (first, second):
        assert ok
        assert 0 < length <= size
    assert isinstance(third, ncwire.ConnectError)


def test_the_first_example_outlives_a_device_that_is_late(tmp_path: Path) -> None:
    program: dict[str, object] = {}
    exec(BLOCKS[0].replace("timeout(60)", "timeout(0.1)"), program)
    collect = program["collect"]
    assert callable(collect)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(os.fspath(tmp_path / "s"))
        silent.listen()
        options = {"path": os.fspath(tmp_path / "s")}
        late = {"host": None, "driver": "unix", "driver_options": options}
        (told,) = asyncio.run(collect(late))
    assert isinstance(told, TimeoutError)


def test_the_others_are_python() -> None:
    assert len(BLOCKS) == 3
    for block in BLOCKS[1:]:
        ast.parse(f"async def main():\n{textwrap.indent(block, '    ')}")
