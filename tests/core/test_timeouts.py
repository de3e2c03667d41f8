"""The budgets: what is given, what `timeout` fills in, and what is left of the defaults."""

from __future__ import annotations

import dataclasses
import math

import pytest

from ncwire import Timeouts
from ncwire.errors import OptionError

STEPS = ("connect", "handshake", "auth", "channel", "hello")
DEFAULTS = {
    "connect": 15, "handshake": 15, "auth": 30, "channel": 15, "hello": 30,
    "rpc": 30, "close": 5, "overall": 120,
}  # fmt: skip


def test_defaults_are_the_documented_ones_and_suffice_for_every_step():
    assert dataclasses.asdict(Timeouts()) == DEFAULTS
    assert dataclasses.asdict(Timeouts().settled()) == DEFAULTS


def test_timeout_fills_every_step_of_connecting():
    assert Timeouts().settled(4) == Timeouts(**dict.fromkeys(STEPS, 4.0))


@pytest.mark.parametrize("step", STEPS)
def test_what_is_given_is_kept(step):
    given = {step: DEFAULTS[step]}  # though it equals the default
    assert Timeouts(**given).settled(4) == Timeouts(**dict.fromkeys(STEPS, 4.0) | given)


def test_rpc_and_close_are_not_connects():
    settled = Timeouts(rpc=70).settled(4)
    assert (settled.rpc, settled.close) == (70, 5)


def test_ssh_config_counts_for_connect_and_explicit_arguments_win():
    assert Timeouts().settled(connect=7) == Timeouts(connect=7)
    assert Timeouts().settled(4, connect=7).connect == 4
    assert Timeouts(connect=5).settled(connect=7).connect == 5


def test_overall_is_enough_for_every_step_unless_it_is_given():
    assert Timeouts().settled(60).overall == 5 * 60
    assert Timeouts(auth=300).settled().overall == 375
    assert Timeouts(auth=300, overall=20).settled(60).overall == 20


def test_settling_twice_changes_nothing():
    once = Timeouts(auth=60).settled(40)
    assert once.settled() == once


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 2e6, "5", True, None])
def test_what_is_no_budget_is_refused_by_name(seconds):
    with pytest.raises(OptionError, match=r"timeouts\.hello"):
        Timeouts(hello=seconds)
