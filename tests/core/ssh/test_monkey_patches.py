"""A program whose waiting has been replaced is told so, and by what, before anything is sent."""

from __future__ import annotations

import select
import subprocess
import sys
import types
from importlib.util import find_spec

import pytest

import ncwire
from ncwire.errors import TransportError
from ncwire.testing import EmbeddedServer

SCRIPT = """
import sys
from gevent import monkey
monkey.patch_all()
import gevent, ncwire
turns = 0
def others():
    global turns
    while True:
        turns += 1
        gevent.sleep(0)
gevent.spawn(others)
host, port, known_hosts, driver = sys.argv[1:]
with ncwire.connect(
    host, port=int(port), username="admin", password="admin", known_hosts=known_hosts,
    driver=driver, allow_agent=False, look_for_keys=False,
) as session:
    before = turns
    assert session.rpc("<get/>").raw
    assert turns > before
"""


@pytest.fixture
def eventlet(monkeypatch):
    """Pretend that eventlet has patched something."""

    def pretend(*patched):
        patcher = types.ModuleType("eventlet.patcher")
        patcher.is_monkey_patched = lambda name: name in patched
        monkeypatch.setitem(sys.modules, "eventlet.patcher", patcher)

    return pretend


@pytest.fixture
def refused():
    def refused() -> str:
        with pytest.raises(TransportError) as caught:
            # If anything were sent, it would be a ConnectError.
            ncwire.connect("127.0.0.1", port=1, username="u", password="p", known_hosts=())
        assert type(caught.value) is TransportError
        return str(caught.value)

    return refused


def test_eventlet_s_select(monkeypatch, eventlet, refused):
    eventlet("select", "thread")
    monkeypatch.delattr(select, "poll")
    said = refused()
    assert said.startswith("eventlet.monkey_patch() has removed select.poll, by which drivers")
    assert "eventlet.monkey_patch(select=False, thread=False)" in said


def test_eventlet_s_threads(eventlet, refused):
    eventlet("thread")
    assert refused().startswith("eventlet.monkey_patch() has replaced threads")


def test_a_platform_without_poll(monkeypatch, refused):
    monkeypatch.delattr(select, "poll")
    assert refused() == "this platform lacks select.poll, by which drivers wait"


def test_eventlet_that_has_patched_neither(eventlet):
    eventlet("socket", "time")
    with pytest.raises(ncwire.errors.ConnectError):
        ncwire.connect("127.0.0.1", port=1, username="u", password="p", known_hosts=())


@pytest.mark.parametrize("driver", ["paramiko", "libssh2"])
def test_gevent_works(driver, tmp_path):
    if find_spec("gevent") is None:
        pytest.skip("needs gevent")
    with EmbeddedServer.spawn() as server:
        server.write_known_hosts(tmp_path / "known_hosts")
        place = [server.host, str(server.port), str(tmp_path / "known_hosts"), driver]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *place],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
