"""Which driver a probe's report advises."""

from __future__ import annotations

import pytest

from ncwire.driver import KexInit
from ncwire.probe.compatibility import Ability, Verdict
from ncwire.probe.greeting import Greeting
from ncwire.probe.host_keys import HostKeyFinding, Standing
from ncwire.probe.inventory_toml import stanza
from ncwire.probe.report import Report
from servers.plain_ssh import kexinit

HOLED = Verdict("holed", "x 1", Ability.YES, holes=("CVE-1",))
LEGACY = Verdict("legacy", "y 1", Ability.IF_ALLOWED)
SOUND = Verdict("sound", "z 1", Ability.YES)
UNABLE = Verdict("unable", "z 1", Ability.NO)


def report_of(standing: Standing, *verdicts: Verdict) -> Report:
    return Report(
        host="h",
        port=22,
        username="u",
        greeting=Greeting((), "SSH-2.0-x", KexInit.from_payload(kexinit())),
        drivers=verdicts,
        host_keys=(HostKeyFinding("ssh-ed25519", standing),),
    )


@pytest.mark.parametrize(
    ("standing", "verdicts", "driver"),
    [
        (Standing.UNKNOWN, (HOLED, SOUND), "sound"),
        (Standing.UNKNOWN, (HOLED, LEGACY), "legacy"),
        (Standing.UNKNOWN, (HOLED, UNABLE), "holed"),
        (Standing.GOOD, (HOLED, SOUND), "holed"),
        (Standing.GOOD, (LEGACY, HOLED), "holed"),
        (Standing.GOOD, (UNABLE,), ""),
    ],
)
def test_a_driver_with_a_hole_comes_last_for_a_host_that_is_not_known(standing, verdicts, driver):
    best = report_of(standing, *verdicts).best()
    assert (best.driver if best else "") == driver


@pytest.mark.parametrize(
    ("standing", "verdict", "told"),
    [
        (Standing.UNKNOWN, HOLED, True),
        (Standing.GOOD, HOLED, False),
        (Standing.UNKNOWN, SOUND, False),
    ],
)
def test_the_inventory_says_for_which_hosts_a_driver_with_a_hole_is(standing, verdict, told):
    lines = stanza(report_of(standing, verdict))
    assert f'driver = "{verdict.driver}"' in lines
    assert ("# at a host whose key you know only: CVE-1\n" in lines) is told
