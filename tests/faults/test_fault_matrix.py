"""The fault matrix, whole: `python -m ncwire.testing.faults` tries single cells of it.

The quick suite tries every other cell, each with one driver, which take turns: each fault in half
of the phases, and in each phase half of the faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import installed_ssh
from ncwire.testing.faults import Cell, Crew, Fault, Phase, cells
from ncwire.testing.faults.cell import NOT_APPLICABLE, RIGHT
from ncwire.testing.faults.report import failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from ncwire.testing.faults import Result


def quick(cell: Cell) -> bool:
    at, odd = divmod([*Phase].index(cell.phase) + [*Fault].index(cell.fault), 2)
    if cell.by_await:  # those that the sync sessions are not tried with, every fourth
        return bool(odd) and not at % 2 and cell.driver == installed_ssh.QUICK[at // 2 % 2]
    return not odd and cell.driver == installed_ssh.QUICK[at % len(installed_ssh.QUICK)]


CELLS = [
    pytest.param(cell, id=str(cell), marks=() if quick(cell) else pytest.mark.exhaustive)
    for cell in (*cells(installed_ssh.NAMES), *cells(installed_ssh.NAMES, by_await=True))
    if not cell.expected.not_applicable
]


@pytest.fixture(scope="module")
def tried(request: pytest.FixtureRequest) -> Iterator[Mapping[Cell, Future[Result]]]:
    """The results to come of all cells that are asked for, tried several at a time."""
    parameters = [getattr(item, "callspec", None) for item in request.session.items]
    asked = [each.params.get("cell") for each in parameters if each is not None]
    with Crew() as crew:
        yield {cell: crew.submit(cell) for cell in asked if isinstance(cell, Cell)}


@pytest.mark.parametrize("cell", CELLS)
def test_a_fault_is_told_as_it_should_be(cell, tried):
    result = tried[cell].result()
    if result.verdict == NOT_APPLICABLE:
        pytest.skip(result.seen)
    assert result.verdict == RIGHT, failure(result)
