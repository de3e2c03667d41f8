"""What odd peers come to is what the page on moving over says."""

from __future__ import annotations

import pytest
from moving_peers import MET
from odd_peers import PEERS, met
from three_ways import WAYS

SAMPLE = {"family: nexus", "reply: no message-id", "hello: DOCTYPE", "chunks: of one byte"}
"""Those of the quick suite."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what ncclient uses
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in SAMPLE else (pytest.mark.exhaustive,))
        for name in PEERS
    ],
)
def test_what_a_peer_comes_to(name):
    *listed, _why = MET[name]
    for (way, found), allowed in zip(met(name).items(), listed, strict=True):
        assert found in allowed.split(" or "), way


def test_every_peer_is_told_of():
    assert set(MET) == set(PEERS)


@pytest.mark.parametrize("name", MET)
def test_each_difference_is_judged(name):
    *outcomes, why = MET[name]
    assert len(outcomes) == len(WAYS)
    assert (len(set(outcomes)) > 1) == bool(why)
