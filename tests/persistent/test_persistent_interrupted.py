"""A call that is interrupted anywhere leaves it at work, or closed by the next `close`."""

from __future__ import annotations

import threading

import pytest

from interrupting import KINDS, Interrupter, folder_of, raising
from ncwire.persistent import Gap, State
from restarted_device import persistent
from thoroughness import sampled

pytestmark = pytest.mark.usefixtures("no_gc_callbacks", "nothing_left")

FOLDER = folder_of("ncwire.persistent")


def rpc(device, keeper, stream):
    keeper.rpc("<get/>", 20)


def listen(device, keeper, stream):
    with keeper.notifications() as another:
        another.get(0, None)
    stream.get(0, None)


def close(device, keeper, stream):
    keeper.close()


def interrupted(call, device, keeper, stream, at):
    interrupter = Interrupter(at, [FOLDER])
    raised = False
    try:
        with interrupter:
            call(device, keeper, stream)
    except KINDS:
        raised = True
    assert raised is bool(interrupter.where), interrupter.where
    return interrupter.where


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("call", [rpc, listen, close])
@sampled("every", 3, 1)
def test_a_call_interrupted_at_any_point(device, hub, call, kind, every):
    at = 1
    with raising(kind):
        while True:
            keeper = persistent(device, hub=hub)
            stream = keeper.notifications()
            keeper.session(20)
            where = interrupted(call, device, keeper, stream, at)
            if call is not close:
                assert keeper.rpc("<get/>", 20).ok, where
            waiting = threading.Thread(target=list, args=(stream,))
            waiting.start()
            keeper.close()
            waiting.join(20)
            assert not waiting.is_alive(), where
            assert keeper.status.state is State.STOPPED, where
            if not where:
                break
            at += every
    assert at > 10


@sampled("every", 5, 1)
def test_a_beginning_interrupted_at_any_point_leaves_nothing(device, hub, every):
    at, made = 1, []

    def begin(*_):
        made.append(persistent(device, hub=hub))

    with raising(KINDS[0]):
        while interrupted(begin, device, None, None, at):
            assert not made, "it was interrupted, and made all the same"
            at += every
    made[0].close()
    assert at > 50


def test_an_end_noted_in_the_main_thread_and_interrupted_is_made_good(device, changes):
    """Where a listener keeps the session's own thread, whoever closes it tells of its end."""
    at = 1
    with raising(KINDS[0]):
        while True:
            keeper = persistent(device, on_change=changes)
            stream = keeper.notifications()
            session = keeper.session(20)
            interrupter = Interrupter(at, [FOLDER])
            try:
                with interrupter:
                    keeper._keeper.ended(session, TimeoutError("as if it had ended"))  # noqa: SLF001
            except KINDS:
                pass
            session.close()
            assert keeper.rpc("<get/>", 20).ok, interrupter.where
            assert keeper.session(20) is not session, interrupter.where
            keeper.close()
            assert any(isinstance(each, Gap) for each in stream), interrupter.where
            if not interrupter.where:
                break
            at += 1
    assert at > 20
