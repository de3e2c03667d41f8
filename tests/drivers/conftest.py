"""Drivers that are aborted when their test is over, as the core does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from ncwire_paramiko import ParamikoDriver
from servers.sshd import Sshd


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


@pytest.fixture
def freeze() -> Iterator[Callable[[Sshd], Callable[[], None]]]:
    """Stop the processes of a server's sessions, which leaves their sockets open and silent.

    Returns what lets them go on.
    """
    stopped: list[int] = []

    def thaw() -> None:
        while stopped:
            with suppress(ProcessLookupError):
                os.kill(stopped.pop(), signal.SIGCONT)

    def freeze(server: Sshd) -> Callable[[], None]:
        sessions = server.sessions()
        assert sessions
        for pid in sessions:
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
        return thaw

    yield freeze
    thaw()
