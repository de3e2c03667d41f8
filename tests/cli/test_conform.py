"""`ncwire conform` without a driver to test: its help, a rule explained, what is refused."""

from __future__ import annotations

import pytest

from ncwire._cli.commands.conform import EXITS
from ncwire._cli.failures import Exit
from ncwire.driver.rules import RULES
from ncwire.testing.conformance.causes import CAUSES


def test_help_has_the_exit_codes_that_can_occur_and_no_others(run):
    code, out, _ = run("conform", "--help")

    assert code == 0
    for exit_ in Exit:
        assert (exit_.meaning in out) is (exit_ in EXITS)


def test_a_rule_is_explained(run):
    code, out, err = run("conform", "--explain", "auth.service-once")

    assert code == Exit.OK
    assert err == ""
    assert out.startswith("auth.service-once\n")
    told = " ".join(out.split())
    assert RULES["auth.service-once"].text in told
    assert "Binds the steps of an SSHDriver, if it declares password." in told
    assert f"Usual causes: {CAUSES['auth.service-once']}" in told


def test_every_rule_has_its_usual_causes():
    assert list(CAUSES) == list(RULES)
    assert all(cause.endswith(".") for cause in CAUSES.values())


def test_a_rule_that_there_is_not_is_refused_with_those_near_to_it(run):
    code, out, err = run("conform", "--explain", "auth.too-much")

    assert code == Exit.USAGE
    assert out == ""
    assert "there is no rule 'auth.too-much'; near to it: auth.too-many" in err


def test_a_driver_or_a_rule_must_be_named(run):
    code, _, err = run("conform")

    assert code == Exit.USAGE
    assert "name a driver, or a rule with --explain" in err


@pytest.mark.parametrize("name", ["nonesuch"])
def test_a_driver_that_there_is_not_is_the_drivers_fault(run, name):
    code, _, err = run("conform", name)

    assert code == Exit.DRIVER
    assert "no installed package registers it" in err
