"""Drivers that are aborted when their test is over, as the core does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ncwire_paramiko import ParamikoDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make_paramiko() -> Iterator[Callable[[], ParamikoDriver]]:
    made = []

    def make() -> ParamikoDriver:
        made.append(ParamikoDriver())
        return made[-1]

    yield make
    for driver in made:
        driver.abort()


@pytest.fixture
def paramiko_driver(make_paramiko) -> ParamikoDriver:
    return make_paramiko()
