"""Programs written for ncclient, unchanged: over ncwire they print what they print without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from at_work import run

from programs import PROGRAMS

ENVIRONMENTS = Path(os.environ.get("NCWIRE_PROGRAMS", "~/.cache/ncwire-programs")).expanduser()
pytestmark = [pytest.mark.programs, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
@pytest.mark.parametrize("driver", ["libssh2", "paramiko"])
def test_a_program_prints_the_same(program, driver):
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    python = program.environment.python(ENVIRONMENTS)
    own = run(program, python, None)
    over_ncwire = run(program, python, driver)

    assert own.status == 0, own.errors
    assert (over_ncwire.status, over_ncwire.told) == (0, own.told), over_ncwire.errors
    if driver != "paramiko":  # which is ncclient's own library
        assert own.clients.isdisjoint(over_ncwire.clients)
