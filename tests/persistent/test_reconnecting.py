"""A session that ends is followed by another; what was under way is told, and never sent again."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

import pytest

import ncwire
from ncwire import Persistent
from ncwire.errors import NoSessionError, OptionError, RPCError, SessionCloseError, SessionError
from ncwire.persistent import Backoff, State
from restarted_device import AT_ONCE, persistent

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_a_session_is_there_and_the_counters_tell(device, hub):
    with persistent(device, hub=hub) as keeper:
        session = keeper.session(20)
        assert keeper.rpc("<get/>", 20).ok
        assert keeper.session() is session
        assert keeper.connected
        status = keeper.status
        assert (status.state, status.sessions, status.attempts) == (State.UP, 1, 1)
        assert status.next_attempt is None
        assert keeper.cause is None
        assert repr(keeper) == f"<Persistent {device.path}: up, 1 sessions, 1 attempts>"
    assert keeper.status.state is State.STOPPED
    assert not session.connected


def test_another_session_takes_its_place(device, hub, changes):
    with persistent(device, hub=hub, on_change=changes) as keeper:
        first = keeper.session(20)
        device.hang_up()
        changes.wait_for(State.UP, 2)
        second = keeper.session(20)
        assert second is not first
        assert keeper.rpc("<get/>", 20).ok
        assert changes.wait_for(State.WAITING).cause is first.cause
    assert sum("<get/>" in each for each in device.received) == 1


def test_what_was_under_way_gets_the_cause_and_is_sent_once(device, hub):
    with persistent(device, hub=hub) as keeper:
        session = keeper.session(20)
        errors = []

        def call(number):
            with pytest.raises(SessionCloseError) as caught:
                keeper.rpc(f"<silence>{number}</silence>", 60)
            errors.append(caught.value)

        callers = [threading.Thread(target=call, args=(n,)) for n in range(4)]
        for each in callers:
            each.start()
        for _ in callers:
            assert device.silent.acquire(timeout=20)
        device.hang_up()
        for each in callers:
            each.join(20)
        assert errors == [session.cause] * 4
        assert keeper.rpc("<get/>", 20).ok
    sent = Counter(each.partition("<silence>")[2] for each in device.received if "silence" in each)
    assert sorted(sent.values()) == [1, 1, 1, 1]


def test_who_comes_while_there_is_none_waits(device, hub, changes):
    device.stop()
    with persistent(device, hub=hub, on_change=changes) as keeper:
        changes.wait_for(State.WAITING, 2)
        got = []
        caller = threading.Thread(target=lambda: got.append(keeper.rpc("<get/>", 30)))
        caller.start()
        device.start()
        caller.join(30)
        assert got[0].ok


def test_who_waits_in_vain_is_told_why_and_when(device, changes):
    device.stop()
    backoff = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)
    with persistent(device, backoff=backoff, on_change=changes) as keeper:
        changes.wait_for(State.WAITING)
        with pytest.raises(NoSessionError) as caught:
            keeper.rpc("<get/>", 0.01)
        error = caught.value
        assert isinstance(error, TimeoutError)
        assert (error.state, error.seconds) == ("waiting", 0.01)
        assert 900 < error.next_attempt <= 1000
        assert error.__cause__ is keeper.status.cause
        assert f"no session with {device.path} within 0.01 s: waiting" in str(error)
        assert str(keeper.status.cause) in str(error)
        assert "last: ConnectError" in repr(keeper) or "last: TransportError" in repr(keeper)
        assert keeper.status.failures == 1
        with pytest.raises(OptionError, match="timeout"):
            keeper.session(-1)


def test_on_session_comes_before_any_caller(device, hub):
    begun, go_on = threading.Event(), threading.Event()

    def prepare(session):
        begun.set()
        assert go_on.wait(20)
        session.rpc("<lock/>", 20)

    with persistent(device, hub=hub, on_session=prepare) as keeper:
        assert begun.wait(20)
        caller = threading.Thread(target=keeper.rpc, args=("<get/>", 30))
        caller.start()
        with pytest.raises(NoSessionError, match="connecting"):
            keeper.session(0)
        go_on.set()
        caller.join(30)
        first, second = device.received[:2]
        assert "<lock/>" in first
        assert "<get/>" in second


def test_an_on_session_that_fails_is_a_failed_attempt(device, hub, changes):
    device.refused = {"<lock/>"}
    sessions = []

    def prepare(session):
        sessions.append(session)
        session.rpc("<lock/>", 20, check=True)

    with persistent(device, hub=hub, on_session=prepare, on_change=changes) as keeper:
        failed = changes.wait_for(State.WAITING, 2)
        assert isinstance(failed.cause, RPCError)
        assert failed.sessions == 0
        device.refused = set()
        keeper.session(20)
        assert keeper.session() is sessions[-1]
        assert [each.connected for each in sessions[:-1]] == [False] * (len(sessions) - 1)


def test_a_fault_in_on_session_stops_it_for_all(device, hub, caplog):
    def prepare(session):
        raise TypeError("a fault")

    keeper = persistent(device, hub=hub, on_session=prepare)
    for _ in range(2):
        with pytest.raises(TypeError, match="a fault"):
            keeper.session(20)
    assert keeper.status.state is State.STOPPED
    assert isinstance(keeper.cause, TypeError)
    assert device.connections == 1
    assert "no session came to be" in caplog.text
    keeper.close()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_is_no_exception_stops_it_and_comes_out_nowhere_else(device, hub, error):
    def prepare(session):
        raise error("a fault")

    keeper = persistent(device, hub=hub, on_session=prepare)
    with pytest.raises(SessionCloseError, match=error.__name__) as caught:
        keeper.session(20)
    assert isinstance(caught.value.__cause__, error)
    keeper.close()


def test_on_session_cannot_wait_for_itself(device):
    told = []

    def prepare(session):
        with pytest.raises(SessionError) as caught:
            keeper.rpc("<get/>", 60)
        told.append(caught.value)

    opened = threading.Event()

    def first(session):
        assert opened.wait(20)
        prepare(session)

    keeper = persistent(device, on_session=first)
    opened.set()
    keeper.session(20)
    assert "use what on_session is given" in str(told[0])
    keeper.close()


def test_sessions_of_a_function(device, hub, changes):
    made = []

    def make():
        made.append(ncwire.connect(**device.target, hub=hub))
        return made[-1]

    options = {"backoff": AT_ONCE, "hub": hub, "on_change": changes}
    with Persistent.from_function(make, name="r1", **options) as keeper:
        assert keeper.session(20) is made[0]
        made[0].close()  # whoever ends it has the next one made
        changes.wait_for(State.UP, 2)
        assert keeper.session(20) is made[1]
        assert "r1" in repr(keeper)


def test_a_function_must_return_a_session():
    keeper = Persistent.from_function(lambda: 7)
    with pytest.raises(TypeError, match="must return a connected session, not int"):
        keeper.session(20)
    keeper.close()


def test_a_backoff_is_reset_after_a_session_that_has_held(device, changes):
    backoff = Backoff(first=0.001, ceiling=0.002, reset_after=0)
    with persistent(device, backoff=backoff, on_change=changes) as keeper:
        keeper.session(20)
        for times in range(3):
            device.hang_up()
            changes.wait_for(State.UP, times + 2)
        pairs = itertools.pairwise(changes.seen)
        ends = [end for up, end in pairs if up.state is State.UP]
        assert {each.failures for each in ends} == {1}


def test_changes_come_in_their_order(device, changes):
    with persistent(device, on_change=changes) as keeper:
        keeper.session(20)
        device.hang_up()
        changes.wait_for(State.UP, 2)
    states = [each.state for each in changes.seen]
    assert states[0] is State.CONNECTING
    assert states[-1] is State.STOPPED
    assert [a.attempts for a in changes.seen] == sorted(a.attempts for a in changes.seen)
    for a, b in itertools.pairwise(states):
        assert (a, b) in {
            (State.CONNECTING, State.UP),
            (State.CONNECTING, State.WAITING),
            (State.UP, State.WAITING),
            (State.WAITING, State.CONNECTING),
            (State.UP, State.STOPPED),
        }


def test_what_on_change_raises_is_logged_and_ends_nothing(device, caplog):
    def fail(status):
        raise SystemExit("a fault")

    with persistent(device, on_change=fail) as keeper:
        assert keeper.rpc("<get/>", 20).ok
    assert "on_change failed" in caplog.text


@pytest.mark.parametrize("name", ["on_session", "on_change"])
def test_a_coroutine_function_is_refused_with_what_takes_it(device, name):
    async def awaited(_):
        raise AssertionError("nobody awaits it")

    with pytest.raises(OptionError, match=rf"{name}: .*ncwire\.aio\.Persistent"):
        persistent(device, **{name: awaited})
