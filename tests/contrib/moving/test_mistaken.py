"""What a mistake at connecting comes to is what the page on moving over says."""

from __future__ import annotations

import gc

import pytest
from mistaken import MAKE, made
from moving_mistakes import MADE
from three_ways import WAYS

import ncwire

SAMPLE = {
    "a key file that is not there",
    "a changed host key, and a callback that says yes",
    "a port where nothing listens",
    'port="830", a string',
}
"""Those of the quick suite."""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in SAMPLE else (pytest.mark.exhaustive,))
        for name in MAKE
    ],
)
def test_what_a_mistake_comes_to(name):
    *listed, _why = MADE[name]
    assert list(made(name).values()) == listed
    gc.collect()  # of the sockets that ncclient leaves open


def test_every_mistake_is_told_of():
    assert set(MADE) == set(MAKE)


@pytest.mark.parametrize("name", MADE)
def test_each_difference_is_judged(name):
    *outcomes, why = MADE[name]
    assert len(outcomes) == len(WAYS)
    assert (len(set(outcomes)) > 1) == bool(why)


@pytest.mark.parametrize("name", MADE)
def test_what_is_said_of_an_error_s_kinds_holds(name):
    *_, outcome, why = MADE[name]
    if why.startswith("a kind of ") or "a kind of" in why:
        kind = getattr(ncwire, outcome)
        said = why.partition("a kind of ")[2].partition(",")[0].replace("of ", "").split(" and ")
        for each in said:
            named = getattr(ncwire, each.strip("`"), ValueError)
            assert issubclass(kind, named), each
