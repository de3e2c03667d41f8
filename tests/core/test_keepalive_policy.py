"""The keepalive's policy: when to ask, and when silence means death."""

from __future__ import annotations

import math

import pytest

from ncwire._engine.keepalive import Keepalive
from ncwire.errors import OptionError


def timeline(policy: Keepalive, heard, until: float, step: float = 0.5):
    """Return the times of asking, and of death or None; `heard` maps now to last heard."""
    asked, now = [], 0.0
    while now <= until:
        if policy.ask(now, heard(now)):
            asked.append(now)
        if policy.is_dead(now, heard(now)):
            return asked, now
        now += step
    return asked, None


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_dead_are_asked_so_often_and_found_after_one_interval_more(count):
    asked, dead = timeline(Keepalive(2.0, count), lambda now: 0.0, until=100)
    assert asked == [2.0 * (n + 1) for n in range(count)]
    assert dead == 2.0 * (count + 1)


def test_a_peer_that_speaks_is_not_asked():
    assert timeline(Keepalive(2.0, 1), lambda now: now, until=50) == ([], None)


def test_an_answer_begins_the_count_anew():
    # Every second question is answered, half a second late.
    asked, dead = timeline(Keepalive(2.0, 2), lambda now: (now - 0.5) // 4 * 4 + 0.5, until=50)
    assert len(asked) > 10
    assert dead is None


def test_silence_without_a_question_is_no_sign_of_death():
    policy = Keepalive(1.0, 3)
    # The loop has not looked for an hour: a listener took that long, or the machine slept.
    assert not policy.is_dead(3600.0, 0.0)
    assert [policy.ask(now, 0.0) for now in (3600.0, 3601.0, 3602.0)] == [True] * 3
    assert not policy.is_dead(3602.5, 0.0)
    assert policy.is_dead(3603.0, 0.0)


def test_due_tells_when_to_look_again():
    policy = Keepalive(1.0, 1)
    assert policy.due(5.0) == 6.0
    assert not policy.ask(5.9, 5.0)
    assert policy.ask(6.0, 5.0)
    assert policy.due(5.0) == 7.0
    assert policy.due(6.5) == 7.5


def test_none_and_zero_are_no_keepalive():
    assert Keepalive.every(None, 3) is None
    assert Keepalive.every(0, 3) is None
    policy = Keepalive.every(2, 5)
    assert (policy.interval, policy.count) == (2, 5)


@pytest.mark.parametrize("interval", [-1, math.nan, math.inf, "5", True])
def test_bad_interval(interval):
    with pytest.raises(OptionError, match="keepalive: "):
        Keepalive.every(interval)


@pytest.mark.parametrize("count", [0, -1, 2.5, "3", True, None])
def test_bad_count(count):
    with pytest.raises(OptionError, match="keepalive_count: "):
        Keepalive.every(1.0, count)
