"""A fork in a signal handler, at any point of a call: the child's copy ends, no other notices."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from test_interrupted_anywhere import CALLS, CORE, answer_all, opened

from children import Forked
from interrupting import Interrupter
from thoroughness import sampled

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    # The interrupter would skip by itself: by an exception, which is taken for the call's here.
    pytest.mark.skipif(
        sys.version_info[:2] == (3, 12),
        reason="CPython 3.12.1 crashes where instructions are monitored among threads",
    ),
]


def one(make_peer, call, at):
    """Fork at a point of a call; return where that was, None if it has no such point."""
    peer, session = opened(make_peer, None)
    peer.script(lambda: answer_all(peer, threading.Semaphore(0)))
    session.rpc("<get/>")  # what the first call makes is made
    child = Forked()
    interrupter = Interrupter(at, [CORE], act=child.fork)
    ended = None
    try:
        with interrupter:
            call(session)
    except BaseException as error:  # noqa: BLE001 - the child's own, which goes no further
        ended = error
    child.tell(ended, session)
    assert ended is None, interrupter.where
    if child.pid is not None:
        assert not (said := child.said()), f"{interrupter.where}: {said}"
    session.rpc("<get/>", timeout=20)
    session.close()
    session.join(20)
    assert not session.is_alive(), interrupter.where
    peer.close()
    return interrupter.where or None


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@sampled("every", 19, 1)
def test_a_fork_at_any_point_of_a_call(make_peer, call, every):
    at = 1
    while one(make_peer, call, at) is not None:
        at += every
    assert at > 30
