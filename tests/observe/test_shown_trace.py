"""Who reads a trace sees which rpc was slow, and why one failed, beside each message."""

from __future__ import annotations

import re

import pytest

import ncwire
from ncwire._cli import main
from ncwire.errors import RPCTimeoutError
from ncwire.observe import TraceWriter, read_trace

GET = "<get-config><source><running/></source></get-config>"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r1.trace"


@pytest.fixture
def shown(path, capsys):
    def shown(*options):
        assert main(["trace", *options, str(path)]) == 0
        return capsys.readouterr().out

    return shown


def test_each_message_of_an_rpc_says_its_operation_and_a_reply_its_time(path, connect, shown):
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        session.rpc(GET)
    out = shown()
    assert re.search(r"-> rpc \w+ get-config, \d+ bytes\n", out)
    assert re.search(r"<- rpc-reply \w+ get-config, \d+ bytes, after [\d.]+ ms\n", out)
    assert not out.endswith("\n\n")


def test_an_rpc_without_a_reply_counts_with_its_time(path, peer, shown):
    with TraceWriter(path) as trace:
        session = peer.opened(observers=[trace])
        with pytest.raises(RPCTimeoutError):
            session.rpc("<get/>", 0.05)
        session.close()
    out = shown()
    assert re.search(r"get \w+ given up after [\d.]+ ms", out)
    (row,) = [line.split() for line in out.splitlines() if line.startswith("  get ")]
    assert row[1:3] == ["1", "1"]


def test_an_error_is_shown_once(path, tmp_path, shown):
    options = {"path": str(tmp_path / "none")}
    with TraceWriter(path) as trace, pytest.raises(ncwire.ConnectError) as raised:
        ncwire.connect(None, driver="unix", driver_options=options, observers=[trace])
    out = shown()
    assert out.count(str(raised.value)) == 1
    assert out.count("ConnectError, as above") == 2


def test_sessions_are_compared_where_there_are_several(path, tmp_path, connect, shown):
    options = {"path": str(tmp_path / "none")}
    with TraceWriter(path) as trace:
        with connect(observers=[trace]) as session:
            session.rpc(GET)
            session.rpc("<wrong/>")
        with pytest.raises(ncwire.ConnectError):
            ncwire.connect(None, driver="unix", driver_options=options, observers=[trace])
    out = shown()
    rows = [line.split() for line in out.partition("\nsessions:\n")[2].splitlines()]
    first, second = read_trace(path).sessions
    assert rows[0][:3] == ["session", "host", "connected"]
    assert (rows[1][:2], rows[1][-4:-2]) == ([first, "unix"], ["3", "1"])
    assert rows[2][:4] == [second, "unix", "no", "0"]
    assert "\nsessions:\n" not in shown("--session", first)
    assert all(len(line) <= 80 for line in out.partition("\nsessions:\n")[2].splitlines())
