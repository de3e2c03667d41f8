"""The conformance kit: one small test for each rule of the driver contract.

`ncwire conform NAME` or `pytest --ncwire-driver NAME` runs it for a registered driver, or for
one that is named as MODULE:CLASS. As a part of a driver's own tests it is two lines, and a
fixture that returns the driver's name or class:

    import pytest
    from ncwire.testing.conformance.suites import *

    @pytest.fixture
    def ncwire_driver():
        return "example"

The rules are data, `ncwire.driver.rules`. A rule is skipped only where the driver does not
declare the feature that it needs, or where it needs AsyncSSH and that is not installed; the
summary lists what was skipped and why. What a driver is connected to, its `transport` says: there
are servers for SSH, TLS and Unix sockets. One that states none and speaks no SSH is tested against
TCP in the clear: `--ncwire-target plain`, or a fixture `ncwire_target` that returns "plain".
"""
