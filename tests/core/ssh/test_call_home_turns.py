"""Whose call is answered next, and who has to go when too many wait."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import pytest

from ncwire._ssh.route.sockets import Address
from ncwire.callhome.fair_queue import FairQueue, source_of
from ncwire.driver import Deadline


@dataclass(frozen=True)
class Call:
    source: str
    at: float

    @property
    def deadline(self) -> Deadline:
        return Deadline(self.at, "call home", 60.0)


def room(calls, places=100, share=100):
    waiting = FairQueue(places, share)
    for at, source in enumerate(calls):
        waiting.admit(Call(source, at))
    return waiting, waiting.left_out()


def order(waiting):
    taken = []
    while call := waiting.next():
        taken.append((call.source, call.at))
    return taken


def test_calls_of_one_source_are_answered_in_their_order():
    waiting, _ = room("aaa")
    assert order(waiting) == [("a", 0), ("a", 1), ("a", 2)]


def test_the_next_is_of_the_source_with_the_fewest_being_answered():
    waiting, _ = room("aaaab")
    assert order(waiting)[:2] == [("a", 0), ("b", 4)]


def test_a_source_has_no_more_than_its_share_until_one_is_answered():
    waiting, _ = room("aaab", share=2)
    taken = order(waiting)
    assert sorted(taken) == [("a", 0), ("a", 1), ("b", 3)]

    waiting.answered(Call("b", 3))
    assert waiting.next() is None
    waiting.answered(Call("a", 0))
    assert waiting.next() == Call("a", 2)
    assert len(waiting) == 0


def test_a_flood_loses_its_own_newest():
    waiting, left_out = room("baaaab", places=4)
    assert left_out == [Call("a", 4), Call("a", 3)]
    assert waiting.left_out() == []
    assert sorted(call.at for call in waiting) == [0, 1, 2, 5]


@pytest.mark.parametrize(("calls", "last"), [("aabb", "b"), ("abba", "a")])
def test_among_equals_the_newcomer_goes(calls, last):
    _, left_out = room(calls, places=3)
    assert left_out == [Call(last, 3)]


def test_those_that_waited_too_long_are_told_and_wait_no_more():
    waiting, _ = room("abab")
    assert waiting.due() == 0
    assert sorted(call.at for call in waiting.expired(2.0)) == [0, 1, 2]
    assert waiting.due() == 3
    assert [call.at for call in waiting] == [3]
    assert waiting.expired(3.0)
    assert waiting.due() is None


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_what_counts_as_one_source(host, source):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    assert source_of(Address(family, (host, 4711))) == source
