"""The page on sessions that come back: its examples run, and its table has the true numbers."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import textwrap
from pathlib import Path

import pytest

import ncwire
from ncwire.persistent import Backoff, State, Status
from ncwire.testing import EmbeddedServer
from restarted_device import AT_ONCE, RestartedDevice

PAGE = (Path(__file__).parents[2] / "docs" / "persistent.rst").read_text(encoding="utf-8")


BLOCKS = re.findall(r"code-block:: python\n\n((?:    .*\n|\n)+)", PAGE)


def defined(name):
    """Return the function of the page's with this name."""
    (block,) = [each for each in BLOCKS if f"def {name}(" in each]
    names: dict[str, object] = {"ncwire": ncwire}
    exec(textwrap.dedent(block), names)
    return names[name]


@pytest.fixture
def server():
    with EmbeddedServer() as server:
        yield server


def device(server, **more):
    return ncwire.Persistent(
        server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        hostkey_b64=server.host_key.base64,
        backoff=Backoff(first=0.001, ceiling=0.01),
        **more,
    )


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
    names: dict[str, object] = {}
    exec(textwrap.dedent(BLOCKS[0]), names)
    assert "reply" in names
    printed = capsys.readouterr().out
    assert printed.startswith("2 sessions, ")
    assert "session closed by us" in printed


NAME = "<name>a</name>"
EDIT = (
    "<edit-config><target><candidate/></target>"
    f'<config><x xmlns="urn:x">{NAME}</x></config></edit-config>'
)


def is_there(session):
    return NAME in session.rpc("<get-config><source><running/></source></get-config>").raw


def test_its_edit_is_applied_once_also_where_the_session_is_lost_in_the_middle(server) -> None:
    push, asked = defined("push"), []

    def lost_before_the_edit(session):
        asked.append(session.id)
        if len(asked) == 1:
            session.close()
            return False
        return is_there(session)

    with device(server, on_session=defined("lock")) as r1:
        assert push(r1, EDIT, lost_before_the_edit) is True
        assert len(asked) == 2
        assert push(r1, EDIT, is_there) is False


def test_its_edit_that_is_refused_leaves_nothing_in_the_candidate(server) -> None:
    with device(server, on_session=defined("lock")) as r1:
        with pytest.raises(ncwire.RPCError):
            defined("push")(r1, "<no-such-operation/>", lambda session: session.rpc(EDIT) is None)
        r1.session(20).rpc("<commit/>", check=True)
        assert not is_there(r1.session(20))


def test_what_it_collects(server) -> None:
    subscription = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
    written = []

    def write(line):
        written.append(line)
        if line.startswith("gap"):
            r1.close()
        else:
            r1.session(20).close()

    with device(server, on_session=lambda session: session.rpc(subscription, check=True)) as r1:
        events = r1.notifications()
        r1.session(20)
        assert server.notify("<event xmlns='urn:example'/>") == 1
        defined("collect")(events, write)
    assert ["<event" in written[0], written[1][:9]] == [True, "gap from "]
    assert "session closed by us" in written[1]


def test_what_it_tells_of_a_device_that_is_down(server) -> None:
    trouble = defined("trouble")
    with device(server) as r1:
        r1.session(20)
        assert trouble(r1, 0) is None
    assert trouble(r1, 1000) == f"{r1.name} needs somebody: {r1.cause}"
    with ncwire.Persistent("127.0.0.1", port=1, username="ada", allow_agent=False) as r2:
        assert trouble(r2, -1).startswith("127.0.0.1:1 is down since ")
        assert trouble(r2, 1000) is None


def test_the_backoffs_defaults_are_the_codes() -> None:
    for each in dataclasses.fields(Backoff):
        if each.name != "random":
            assert re.search(rf"^``{each.name}`` +{each.default} ", PAGE, re.MULTILINE), each.name
