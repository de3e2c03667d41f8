"""`start_thread`: whatever a signal handler does meanwhile, a thread runs or does not."""

from __future__ import annotations

import ast
import contextlib
import os
import threading
from pathlib import Path

import pytest

from children import Forked
from interrupting import Interrupter, folder_of, raising
from ncwire._ssh.auth.answer_clock import AnswerClock
from ncwire.driver import start_thread
from waiting import eventually

PATIENCE = 20.0
ROOT = Path(__file__).parents[2]
OF_NO_PROGRAM = {"testing", "bench", "_cli"}
"""Rooms of the core that no program's session has threads of."""
POINTS = 4
"""Fewer than the calls that it makes, each of which may be interrupted."""


class Begun:
    """A thread that says that it runs."""

    def __init__(self):
        self.runs = threading.Event()
        self.thread = threading.Thread(target=self.runs.set, daemon=True)


def interrupted(act=None):
    """Start a thread with each point interrupted in turn, and return all of them."""
    begun = []
    while True:
        begun.append(Begun())
        interrupter = Interrupter(
            len(begun), [folder_of("ncwire.driver")], waits_too=True, act=act
        )
        yield begun[-1], interrupter
        if not interrupter.where:
            break
    assert len(begun) > POINTS


def test_it_has_started_when_it_returns():
    begun = Begun()
    start_thread(begun.thread)
    assert begun.thread.ident is not None
    begun.thread.join(PATIENCE)
    assert begun.runs.is_set()


def test_what_keeps_it_from_starting_is_raised():
    begun = Begun()
    start_thread(begun.thread)
    with pytest.raises(RuntimeError, match="only be started once"):
        start_thread(begun.thread)


def test_an_interrupt_comes_out_and_leaves_none_that_has_begun_and_never_runs():
    started = []
    with raising(KeyboardInterrupt):
        for begun, interrupter in interrupted():
            came_out = False
            try:
                with interrupter:
                    start_thread(begun.thread)
            except KeyboardInterrupt:
                came_out = True
            assert came_out == bool(interrupter.where)
            started.append((begun, interrupter.where))
    for begun, where in started:
        # The last that could start it has had its time once a later one runs.
        eventually(
            lambda begun=begun: begun.thread.ident is None or begun.runs.is_set(),
            lambda where=where: f"interrupted at {where}, it waits for ever",
        )
    assert started[-1][0].runs.is_set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_meanwhile_waits_for_no_thread():
    child = Forked()
    for begun, interrupter in interrupted(child.fork):
        ended = None
        try:
            with interrupter:
                start_thread(begun.thread)
        except RuntimeError as error:
            ended = error
        child.tell(None, Nothing())  # the child goes no further
        assert ended is None
        if child.pid is not None:
            assert not (said := child.said()), f"{interrupter.where}: {said}"
            child.pid = None
        assert begun.runs.wait(PATIENCE)


def test_every_thread_of_a_session_is_started_so():
    sources = [
        path
        for folder in (ROOT / "core" / "ncwire", ROOT / "drivers")
        for path in folder.rglob("*.py")
        if OF_NO_PROGRAM.isdisjoint(path.relative_to(folder).parts)
    ]
    assert len(sources) > 200
    found = [path.name for path in sources for _ in starts(path.read_text(encoding="utf-8"))]
    assert found == ["threads.py"] * 2


def starts(source):
    """Return the lines of calls of `start()`, where the source has to do with threads."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if "threading" in source
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr, node.args, node.keywords) == ("start", [], [])
    ]


class Nothing:
    """A session that has ended, as `Forked.tell` takes it."""

    connected = False

    def close(self):
        pass


def test_a_clock_whose_start_is_interrupted_ends():
    at = 1
    with raising(KeyboardInterrupt):
        while True:
            clock = AnswerClock(10 * PATIENCE, lambda: None)
            interrupter = Interrupter(at, [folder_of("ncwire.driver")])
            with contextlib.suppress(KeyboardInterrupt), interrupter:
                clock.__enter__()
            if not interrupter.where:
                clock.__exit__(None, None, None)
            eventually(lambda: not clocks(), lambda where=interrupter.where: where)
            if not interrupter.where:
                break
            at += 1
    assert at > POINTS


def clocks():
    """Return the threads of clocks that run; one that was never started has no number."""
    return [
        each
        for each in threading.enumerate()
        if each.name == "ncwire-answer-clock" and each.ident is not None
    ]
