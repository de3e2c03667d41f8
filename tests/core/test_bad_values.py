"""Values that are no time, and no count: refused by name, before anything is sent."""

from __future__ import annotations

import math

import pytest
from callers import asked

from ncwire import Limits, Session, callhome
from ncwire.driver import Deadline
from ncwire.errors import OptionError, StepTimeoutError

NO_SECONDS = ["5", -1, 0, 0.0, math.nan, math.inf, -math.inf, True, 1e7, 10**5000, [5], b"5"]
NO_COUNTS = ["5", -1, 0, 1.5, True, None, math.inf]


def shown(value) -> str:
    return repr(value) if value != 10**5000 else "a long number"


def assert_nothing_was_sent(peer, session):
    peer.script(lambda: peer.reply(asked(peer), "<lives/>"))
    assert "<lives/>" in session.rpc("<last/>", 20).raw


@pytest.mark.parametrize("seconds", NO_SECONDS, ids=shown)
def test_what_is_no_timeout_is_refused_before_anything_is_sent(peer, session, seconds):
    calls = (
        lambda: session.rpc("<edit/>", seconds),
        lambda: session.rpc("<edit/>", timeout=seconds, sink=lambda _: None),
        lambda: session.rpc([b"<edit/>"], seconds),
        lambda: session.stream("<edit/>", seconds),
    )
    for call in calls:
        with pytest.raises(OptionError, match="no positive number of seconds") as caught:
            call()
        assert caught.value.option == "timeout"
        assert len(str(caught.value)) < 300
    assert_nothing_was_sent(peer, session)


@pytest.mark.parametrize("seconds", [1, 0.5, 1e6, 10**6])
def test_what_is_one_is_taken(peer, session, seconds):
    peer.script(lambda: peer.reply(asked(peer)))
    assert session.rpc("<get/>", seconds)


@pytest.mark.parametrize("seconds", [each for each in NO_SECONDS if each != 0], ids=shown)
def test_a_reader_and_a_keepalive_refuse_it_too(peer, session, seconds):
    reader = session.notifications()
    with pytest.raises(OptionError, match=r"timeout: .* is no number of seconds, from 0"):
        reader.get(seconds)
    with pytest.raises(OptionError, match=r"keepalive: .* is no number of seconds, from 0"):
        Session([]).open(peer.channel, keepalive=seconds)
    assert_nothing_was_sent(peer, session)


def test_a_reader_may_be_asked_for_what_is_there(session):
    with pytest.raises(StepTimeoutError):
        session.notifications().get(0)


@pytest.mark.parametrize("seconds", NO_SECONDS, ids=shown)
def test_listen_refuses_it_by_its_own_name(seconds):
    with pytest.raises(OptionError) as caught:
        callhome.listen([], address="127.0.0.1", port=0, timeout=seconds)
    assert caught.value.option == "timeout"


@pytest.mark.parametrize("seconds", ["5", math.nan, math.inf, True, None])
def test_no_deadline_is_made_of_it(seconds):
    with pytest.raises(OptionError, match=r"the step: .* is no number of seconds"):
        Deadline.after(seconds, "the step")


@pytest.mark.parametrize("count", NO_COUNTS, ids=shown)
def test_what_is_no_count_is_refused(peer, session, count):
    with pytest.raises(OptionError, match=r"maxsize: .* is no whole number of 1 or more"):
        session.notifications(maxsize=count)
    with pytest.raises(OptionError, match=r"limits\.message: .* is no whole number of 1 or more"):
        Limits(message=count)
    with pytest.raises(OptionError, match=r"keepalive_count: .* is no whole number of 1 or more"):
        Session([]).open(peer.channel, keepalive=1, keepalive_count=count)
    assert_nothing_was_sent(peer, session)
