"""Traces of programs that were killed, that others go on with, and that somebody made by hand."""

from __future__ import annotations

import contextlib
import itertools
import json

import pytest

from interrupting import Interrupter, folder_of, raising
from ncwire._cli import main
from ncwire.observe import KeepaliveSent, SessionFacts, TraceWriter, read_trace

HEAD = {"event": "trace", "format": 1, "pid": 1, "time": 1000, "wall": "w"}


def event(kind_of="connect", session="1.1", time=1000, **facts):
    return {"time": time, "wall": "w", "session": session, "event": kind_of, **facts}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r1.trace"


@pytest.fixture
def write(path):
    def write(*lines):
        path.write_text("".join(f"{json.dumps(each)}\n" for each in (HEAD, *lines)))
        return str(path)

    return write


def test_a_program_goes_on_after_one_that_was_killed_in_a_line(path, connect):
    for _ in range(2):
        with TraceWriter(path) as trace, connect(observers=[trace]):
            pass
        whole = path.read_bytes()
        path.write_bytes(whole[:-10])
    with TraceWriter(path) as trace, connect(observers=[trace]):
        pass
    trace = read_trace(path)
    assert trace.is_cut
    assert len(trace.sessions) == 3
    assert [each.event for each in trace.events].count("ended") == 1


def test_a_line_that_others_have_gone_on_with_is_left_out(write, path, capsys):
    write(event())
    with path.open("a") as file:
        file.write('{"time": 1, "wa' + json.dumps(event("step")) + "\n")
        file.write(json.dumps(event("ended")) + "\n")
    trace = read_trace(path)
    assert trace.is_cut
    assert [each.event for each in trace.events] == ["connect", "ended"]
    assert main(["trace", str(path)]) == 0
    assert "not complete" in capsys.readouterr().err


def test_programs_of_the_same_process_number_have_sessions_of_their_own(write):
    path = write(event(), event("ended"), HEAD, event(), event("step"), event("ended"))
    trace = read_trace(path)
    assert trace.sessions == ("1.1", "1.1/2")
    assert [each.event for each in trace.of("1.1/2")] == ["connect", "step", "ended"]


def test_time_goes_on_where_the_clock_began_anew(write):
    path = write(event(time=1005), {**HEAD, "time": 3}, event(session="2.1", time=4))
    assert [each.seconds for each in read_trace(path).events] == [5, 6]


@pytest.mark.parametrize("where", ["time", "seconds"])
def test_a_number_that_is_none_of_a_traces_is_no_bug(write, path, where):
    write(event())
    line = json.dumps(event("connected", **{"seconds": 1, where: "HUGE"}))
    path.write_text(path.read_text() + line.replace('"HUGE"', "1" + "0" * 400) + "\n")
    assert main(["trace", str(path)]) == 0
    assert read_trace(path).is_cut


def test_a_table_is_not_broken_where_the_terminal_is_narrow(write, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    path = write(event(), event("rpc ended", operation="get", outcome="answered", seconds=1))
    main(["trace", path])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  get")]
    assert row.split() == ["get", "1", "1.00", "s", "1.00", "s", "1.00", "s"]


def test_many_sessions_are_read_as_quickly_as_few(write):
    # Where the events were looked through for each session this took an hour.
    names = [f"1.{number}" for number in range(20_000)]
    path = write(*(event(session=name) for name in names), *(event("x", name) for name in names))
    trace = read_trace(path)
    assert sum(len(trace.of(name)) for name in trace.sessions) == 40_000


@pytest.mark.parametrize("shown", [[], ["--messages"]])
def test_what_is_of_another_kind_is_shown_as_it_is(write, capsys, shown):
    path = write(
        event(host="\x1b[2J\u202e", driver=[], port={}),
        event("step", name={}, seconds="x", jump_host=[1], error=[]),
        event(
            "sent", kind=[], message_id={}, size=1.5, hidden={"a": "\x9b2J"}, body="<a>\x1b</a>"
        ),
        event("received", kind="\ud800", body="<!DOCTYPE a><a>&b;" + "<c>" * 3000, size=True),
        event("rpc ended", message_id=[], operation={}, outcome=[], error={"type": 1}),
        event("ended", cause="x"),
    )
    assert main(["trace", *shown, path]) == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e"} & set(out)


def test_a_trace_without_room_leaves_a_file_that_is_read(path, connect, run_program):
    program = """
import resource, signal, sys, ncwire
from ncwire.observe import TraceWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2500, resource.RLIM_INFINITY))
options = {"path": sys.argv[1]}
trace = TraceWriter(sys.argv[2])
with ncwire.connect(None, driver="unix", driver_options=options, observers=[trace]) as session:
    assert session.rpc("<get/>").message_id
"""
    server_path = connect.keywords["driver_options"]["path"]
    run_program(program, server_path, str(path), stderr=True)
    assert path.stat().st_size == 2500
    assert read_trace(path).is_cut


def test_an_interrupt_while_a_line_is_written_does_not_end_the_trace(tmp_path):
    session = SessionFacts(1, 1)
    for at in itertools.count(1):
        path = tmp_path / f"{at}.trace"
        with TraceWriter(path) as trace:
            interrupter = Interrupter(at, [folder_of("ncwire.observe")])
            with (
                raising(KeyboardInterrupt),
                contextlib.suppress(KeyboardInterrupt),
                interrupter,
            ):
                trace.connect_begun(session)
            trace.keepalive_sent(KeepaliveSent(session))
        read = read_trace(path)
        assert not read.is_cut
        assert read.events[-1].event == "keepalive", interrupter.where
        if interrupter.seen < at:
            break
