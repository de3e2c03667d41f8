"""A trace has all that was said, for its owner alone, and no secret; and it can be read."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
from pathlib import Path

import pytest
from marked import PASSWORD

import ncwire
from ncwire._cli import main
from ncwire.errors import OptionError, TraceError
from ncwire.observe import Masks, TraceWriter, read_trace

GET = "<get-config><source><running/></source></get-config>"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r1.trace"


@pytest.fixture
def traced(path, connect):
    """Return the path of a trace of two rpcs, one of them with a secret in it."""
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        assert PASSWORD in session.rpc(GET).raw
        session.rpc("<no-such-operation/>")
    return path


def test_it_reads_back(traced):
    trace = read_trace(traced)
    (session,) = trace.sessions
    assert [event.event for event in trace.of(session)] == [
        *("connect", "step", "sent", "received", "step", "connected"),
        *("rpc", "sent", "received", "rpc ended") * 3,
        "ended",
    ]
    assert trace.head["ncwire"] == ncwire.__version__
    assert not trace.is_cut
    seconds = [event.seconds for event in trace.events]
    assert seconds == sorted(seconds)
    ended = [event for event in trace.events if event.event == "rpc ended"]
    assert [event.facts["operation"] for event in ended][:2] == ["get-config", "no-such-operation"]
    assert [event.facts.get("errors") for event in ended] == [None, True, None]
    assert trace.events[-1].facts["cause"]["type"] == "SessionCloseError"


def test_it_is_for_its_owner_alone(traced):
    assert stat.S_IMODE(traced.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_gone_on_with_and_made_private(path, connect):
    path.touch(mode=0o644)
    for _ in range(2):
        with TraceWriter(path) as trace, connect(observers=[trace]):
            pass
    assert len(read_trace(path).sessions) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_is_in_it(traced):
    text = traced.read_text()
    assert PASSWORD not in text
    assert "<password>***</password>" in text
    assert "<hostname>r1</hostname>" in text


def test_masks_of_ones_own_count(path, connect):
    masks = Masks(paths=("hostname",))
    with TraceWriter(path, masks=masks) as trace, connect(observers=[trace]) as session:
        session.rpc(GET)
    assert "<hostname>***</hostname>" in path.read_text()


def test_what_goes_in_pieces_has_its_size_only(path, connect):
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        size = session.rpc(GET, sink=lambda _: None).size
    assert PASSWORD not in path.read_text()
    received = [event for event in read_trace(path).events if event.event == "received"]
    assert (received[1].facts["size"], received[1].facts["hidden"]) == (size, "in pieces")
    assert received[1].body is None


def test_what_is_not_well_formed_has_its_size_only(path, peer):
    with TraceWriter(path) as trace:
        session = peer.opened(observers=[trace])
        peer.script(peer.reply, f"<password>{PASSWORD}</pass>".encode())
        session.rpc("<get/>")
    assert PASSWORD not in path.read_text()
    received = [event for event in read_trace(path).events if event.event == "received"]
    assert received[-1].facts["hidden"] == "not well-formed"


def test_the_servers_last_words_are_masked(path, peer):
    with TraceWriter(path) as trace:
        session = peer.opened(observers=[trace])
        future = session.submit("<get/>")
        peer.sock.sendall(f"error: password {PASSWORD} is wrong\n".encode())
        peer.hang_up()
        future.exception(20)
        session.close()
    assert PASSWORD not in path.read_text()


def test_a_link_is_not_followed(path, tmp_path):
    target = tmp_path / "target"
    path.symlink_to(target)
    with pytest.raises(OptionError, match="cannot be written"):
        TraceWriter(path)
    assert not target.exists()


def test_what_is_no_regular_file_is_refused(path):
    os.mkfifo(path)
    with pytest.raises(OptionError):
        TraceWriter(path)
    with pytest.raises(OptionError, match="no regular file"):
        TraceWriter("/dev/null")


def test_a_disk_that_is_full_ends_the_trace_and_not_the_session(
    path, connect, caplog, monkeypatch
):
    with caplog.at_level(logging.ERROR, "ncwire.observe"):  # noqa: SIM117 - read after it
        with TraceWriter(path) as trace:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, _fd_of(path))
            os.close(full)
            with connect(observers=[trace]) as session:
                assert session.rpc(GET).ok
    assert caplog.text.count("an observer failed") == 1


def _fd_of(path):
    """Return this process's fd that is open on a file."""
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if link.readlink() == path:
                return int(link.name)
    raise AssertionError


def test_the_environment_asks_for_one(path, connect, monkeypatch):
    monkeypatch.setenv("NCWIRE_TRACE", str(path))
    for _ in range(2):
        with connect():
            pass
    assert len(read_trace(path).sessions) == 2


def test_one_that_cannot_be_written_is_told_before_anything_is_sent(
    tmp_path, connect, monkeypatch
):
    monkeypatch.setenv("NCWIRE_TRACE", str(tmp_path / "none" / "trace"))
    with pytest.raises(OptionError, match=r"NCWIRE_TRACE: .*No such file"):
        connect()


def test_a_last_line_that_is_cut_is_left_out(traced, capsys):
    traced.write_bytes(traced.read_bytes()[:-10])
    trace = read_trace(traced)
    assert trace.is_cut
    assert main(["trace", str(traced)]) == 0
    assert "not complete" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no trace of ncwire's"),
        ("{}\n", "no trace of ncwire's"),
        ("hello\n", "line 1: no JSON"),
        ("[]\n", "line 1: no JSON object"),
        ('{"event": "trace", "format": 2, "time": 1}\n', "line 1: is of format 2"),
        ('{"event": "trace", "format": 1}\n', "line 1: time is no number"),
        ('{"event": "trace", "format": 1, "time": 0}\n{"time": 1}\n', "line 2: event, session"),
    ],
)
def test_what_is_no_trace_is_told_with_its_line(path, content, problem):
    path.write_text(content)
    with pytest.raises(TraceError, match=problem):
        read_trace(path)
    assert main(["trace", str(path)]) == 2


def test_the_command_shows_what_took_how_long(traced, capsys):
    assert main(["trace", str(traced)]) == 0
    out = capsys.readouterr().out
    assert "driver unix" in out
    assert "step: hello, " in out
    assert "-> rpc " in out
    assert "no-such-operation" in out
    assert re.search(r"no-such-operation \w+ has an rpc-error: operation-not-supported", out)
    assert "ended: session closed by us" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["get-config", "1"] in [line[:2] for line in lines]
    assert all(len(line) <= 80 for line in out.splitlines() if "rpc-error" not in line)


def test_the_command_shows_messages_or_times_alone(traced, capsys):
    main(["trace", "--messages", str(traced)])
    assert "<hostname>r1</hostname>" in capsys.readouterr().out
    main(["trace", "--times", str(traced)])
    assert "-> " not in capsys.readouterr().out


def test_the_command_shows_one_session(traced, capsys):
    (name,) = read_trace(traced).sessions
    assert main(["trace", "--session", name, str(traced)]) == 0
    assert main(["trace", "--session", "1.99", str(traced)]) == 2
    assert name in capsys.readouterr().err


def test_a_hostile_trace_does_not_drive_the_terminal(traced, capsys):
    lines = traced.read_text().splitlines()
    event = json.loads(lines[1]) | {"host": "\x1b[2J", "driver": {"a": "\x1b[2J"}, "port": []}
    traced.write_text("\n".join([lines[0], json.dumps(event), *lines[2:], ""]))
    assert main(["trace", str(traced)]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.fixture
def command(connect_over_ssh, monkeypatch):
    """Return the arguments of a command that leads to the server over SSH."""
    given = connect_over_ssh.keywords
    monkeypatch.setenv("SECRET", given["password"])
    return [
        *("--known-hosts", str(given["known_hosts"]), "-p", str(given["port"]), "-F", "none"),
        *("--password-env", "SECRET", f"{given['username']}@{connect_over_ssh.args[0]}"),
    ]


def test_a_command_traces_what_it_says(command, path, capsys):
    assert main(["rpc", "--trace", str(path), "--get-config", "running", *command]) == 0
    assert PASSWORD in capsys.readouterr().out
    assert PASSWORD not in path.read_text()
    rpcs = [event for event in read_trace(path).events if event.event == "rpc ended"]
    assert [event.facts["operation"] for event in rpcs] == ["get-config", "close-session"]


def test_a_command_that_cannot_write_its_trace_does_not_connect(command, tmp_path, capsys):
    assert main(["hello", "--trace", str(tmp_path), *command]) == 2
    assert "--trace: " in capsys.readouterr().err


def test_what_is_too_large_has_its_size_only(path, connect):
    with TraceWriter(path, largest=100) as trace, connect(observers=[trace]) as session:
        session.rpc(GET)
    received = [event for event in read_trace(path).events if event.event == "received"]
    assert (received[1].facts["hidden"], received[1].body) == ("too large", None)
    assert PASSWORD not in path.read_text()


@pytest.mark.parametrize("wrong", [-1, 1.5, True, None])
def test_a_largest_that_is_no_number_is_refused(path, wrong):
    with pytest.raises(OptionError, match="largest"):
        TraceWriter(path, largest=wrong)
    assert not path.exists()


def test_a_forked_child_writes_to_the_same_trace(path, server, run_program):
    program = """
import os, sys, threading, ncwire
from ncwire.observe import TraceWriter, add
options = {"path": sys.argv[1]}
trace = TraceWriter(sys.argv[2])
add(trace)
held, done = threading.Event(), threading.Event()
def hold():
    with trace._lock:
        held.set()
        done.wait(20)
threading.Thread(target=hold).start()
held.wait()
pid = os.fork()
if pid == 0:
    with ncwire.connect(None, driver="unix", driver_options=options) as session:
        session.rpc("<get/>")
    os._exit(0)
_, status = os.waitpid(pid, 0)
done.set()
sys.exit(status)
"""
    run_program(program, server.path, str(path))
    (name,) = read_trace(path).sessions
    assert name.partition(".")[0] != str(read_trace(path).head["pid"])
