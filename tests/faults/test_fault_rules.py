"""What the matrix expects, and that it has a cell for everything."""

from __future__ import annotations

import pytest

import ncwire.errors
from ncwire.driver import Driver, Feature
from ncwire.testing.faults import Cell, Fault, Phase, cells, expectation
from ncwire.testing.faults.expectation import CLOSED, NO_ERROR
from ncwire.testing.faults.trial import not_applicable

ALL = [(phase, fault) for phase in Phase for fault in Fault]


@pytest.mark.parametrize(("phase", "fault"), ALL)
def test_each_cell_expects_an_error_of_ours_or_has_a_reason_why_it_is_none(phase, fault):
    expected = expectation(phase, fault)
    assert bool(expected.outcomes) != bool(expected.not_applicable)
    for outcome in expected.outcomes:
        assert outcome in (NO_ERROR, CLOSED) or outcome in ncwire.errors.__all__


def test_each_driver_has_a_cell_for_each_fault_in_each_phase():
    assert [(cell.phase, cell.fault) for cell in cells(["a"])] == ALL
    assert len(cells(["a", "b"])) == 2 * len(ALL)


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.BYTE_BY_BYTE])
def test_what_only_takes_time_hurts_nothing(fault):
    outcomes = {expectation(phase, fault).outcomes for phase in Phase if phase is not Phase.TCP}
    assert outcomes == {(NO_ERROR,), (CLOSED,)}


def test_a_driver_without_a_feature_is_not_asked_for_it():
    class Poor(Driver):
        features = frozenset({Feature.PASSWORD})

    assert not not_applicable(Cell("poor", Phase.PASSWORD, Fault.CUT), Poor)
    assert "agent" in not_applicable(Cell("poor", Phase.AGENT, Fault.CUT), Poor)
    assert "keepalive" in not_applicable(Cell("poor", Phase.IDLE, Fault.STALL), Poor)
    assert not not_applicable(Cell("poor", Phase.IDLE, Fault.CUT), Poor)
