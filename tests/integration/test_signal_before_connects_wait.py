"""A signal in the last moment before one of the waits of connect is handled soon all the same."""

from __future__ import annotations

import pytest
from silent_peers import PATIENCE, ROWS

from ncwire import SSHSession, Timeouts
from ncwire.testing.conformance.resources import Resources, left_since
from sleeping_caller import LONG, SleepingCaller

pytestmark = pytest.mark.sshd


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.usefixtures("sshd", "key_ring", "ssh_agent")
def test_while_a_peer_is_silent(row, driver, request, needs):
    if row.needs is not None:
        needs(row.needs)
    steps = {step for each in ROWS for step in each.budget.split()}
    before = Resources.now()
    with row.peer(request) as peer:
        caller = SleepingCaller(
            lambda: SSHSession(driver=driver).connect(
                "127.0.0.1",
                peer.port,
                timeouts=Timeouts(**dict.fromkeys(steps, LONG)),
                **{"allow_agent": False, "look_for_keys": False, "hostkey_verify": False}
                | peer.parameters,
            )
        )
        assert peer.silent.wait(PATIENCE)
        assert caller.is_interrupted()
        peer.release()
    assert not left_since(before, PATIENCE)
