"""Each operation of ncclient's Manager at netconfd: over its own transport, and over ncwire."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from manager_operations import VENDORS, of_a_vendor, outcomes

import installed_ssh
from ncwire.contrib.ncclient import install, uninstall

pytestmark = pytest.mark.netconfd

SAMPLE = ("junos", "nexus")
"""The vendors of the quick suite: what they have of their own is most."""


@pytest.fixture(scope="module")
def own_outcomes() -> dict[Any, dict[str, str]]:
    """What has come of the operations over ncclient's own transport."""
    return {}


def of_each(vendors: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(
            vendor, marks=() if vendor in SAMPLE else (pytest.mark.exhaustive,), id=vendor
        )
        for vendor in vendors
    ]


def differences(own: dict[str, str], over_ncwire: dict[str, str]) -> str:
    """Return a line for each outcome of ncclient's own, and of ncwire's, that the other lacks."""
    lists = [[f"{name}: {told}" for name, told in each.items()] for each in (own, over_ncwire)]
    return "\n".join(line for line in difflib.unified_diff(*lists, lineterm="", n=0))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("driver", installed_ssh.EACH)
def test_every_operation_comes_to_the_same(driver, to_netconfd, own_outcomes):
    own = own_outcomes.get("operations") or outcomes(to_netconfd)
    own_outcomes["operations"] = own
    # netconfd loses an rpc that it reads with the hello; ncclient is too slow for that.
    install(driver=driver, profile="netconfd")
    try:
        over_ncwire = outcomes(to_netconfd)
    finally:
        uninstall()

    assert differences(own, over_ncwire) == ""
    assert len(own) > 50


@pytest.mark.parametrize("driver", installed_ssh.EACH)
@pytest.mark.parametrize("vendor", of_each(VENDORS))
@pytest.mark.filterwarnings("ignore:CsrDeviceHandler is deprecated:DeprecationWarning")
def test_every_vendors_handler_comes_to_the_same(driver, vendor, to_netconfd, own_outcomes):
    assert compare(driver, vendor, to_netconfd, own_outcomes) == ""


@pytest.mark.parametrize("driver", installed_ssh.EACH)
@pytest.mark.parametrize("vendor", of_each(VENDORS))
@pytest.mark.filterwarnings("ignore:CsrDeviceHandler is deprecated:DeprecationWarning")
def test_every_vendors_handler_at_another_server(driver, vendor, connect, own_outcomes):
    assert compare(driver, vendor, connect, own_outcomes) == ""


def compare(driver, vendor, connect, own_outcomes) -> str:
    known = (vendor, connect.__qualname__)
    own = own_outcomes.get(known) or of_a_vendor(connect, vendor)
    own_outcomes[known] = own
    install(driver=driver, profile="netconfd")
    try:
        over_ncwire = of_a_vendor(connect, vendor)
    finally:
        uninstall()
    return differences(own, over_ncwire)
