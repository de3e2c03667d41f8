"""The scripts that print what the pages and the tests say: they run, and find it so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from servers import requirement

TESTS = Path(__file__).parents[1]


def printed(script):
    done = subprocess.run(
        [sys.executable, TESTS / script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.exhaustive
def test_what_each_bad_certificate_comes_to():
    *lines, told = printed("certificate_errors.py")
    assert told == "0 not as they must be"
    assert sum("Error: " in line for line in lines) == 22


@pytest.mark.sshd
@pytest.mark.exhaustive
def test_one_login_for_many_sessions():
    requirement.program("ssh", "openssh-client")
    *accepted, told = printed("one_login.py")
    assert len(accepted) == 1
    assert told == "20 sessions, 20 answers, 1 accepted by the server"
