"""The page on sessions that come back: its examples run, and its table has the true numbers."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import textwrap
from pathlib import Path

from ncwire.persistent import Backoff, State, Status
from restarted_device import AT_ONCE, RestartedDevice

PAGE = (Path(__file__).parents[2] / "docs" / "persistent.rst").read_text(encoding="utf-8")


def test_its_example_by_await_watches(tmp_path, capsys) -> None:
    block = PAGE.partition("   :caption: watch.py\n\n")[2]
    found = re.match(r"(?:    .*\n|\n)+", block)
    assert found is not None
    names: dict[str, object] = {}
    exec(textwrap.dedent(found[0]), names)
    watch = names["watch"]
    assert callable(watch)
    device = RestartedDevice(tmp_path / "s").start()

    async def main() -> str:
        queue: asyncio.Queue[object] = asyncio.Queue()
        changes: asyncio.Queue[Status] = asyncio.Queue()
        options = {"backoff": AT_ONCE, "on_change": changes.put_nowait}
        watching = asyncio.create_task(watch(queue, **device.target, **options))
        for _ in range(2):
            while (await changes.get()).state is not State.UP:
                pass
            device.notify("a")
            await queue.get()
            device.hang_up()
        watching.cancel()
        await asyncio.wait([watching])
        return "cancelled" if watching.cancelled() else "ended"

    try:
        assert asyncio.run(main()) == "cancelled"
    finally:
        device.stop()
    assert "nothing was heard from" in capsys.readouterr().out


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
