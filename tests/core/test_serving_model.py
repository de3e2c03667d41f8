"""The model of who reads, who sleeps and who rings: whole, and without each guard."""

from __future__ import annotations

from pathlib import Path

import pytest
import serving_model

import ncwire

CODE = Path(ncwire.__file__).parent


@pytest.mark.exhaustive
def test_every_caller_returns_in_every_order():
    states, _, trace = serving_model.explore()
    assert trace is None
    assert states > 100_000


@pytest.mark.parametrize(
    "guard",
    [
        guard if guard == "ring" else pytest.param(guard, marks=pytest.mark.exhaustive)
        for guard in serving_model.GUARDS
    ],
)
def test_each_guard_is_needed(guard):
    assert serving_model.explore(frozenset({guard}))[2]


@pytest.mark.exhaustive
def test_the_reply_that_another_has_read_is_found_without_the_ring():
    trace = serving_model.explore(frozenset({"ring"}))[2]
    assert trace.index("peer answers X") < trace.index("Y reads") < trace.index("X sleeps")
    assert trace[-1] == "loop sleeps"


@pytest.mark.parametrize("step", serving_model.QUOTED)
def test_what_a_step_stands_for_stands_in_the_code(step):
    file, fragment = serving_model.QUOTED[step]
    assert fragment in (CODE / file).read_text(encoding="utf-8")
