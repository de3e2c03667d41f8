"""`ncwire conform` without a driver to test: its help, a rule explained, what is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from ncwire._cli import conform_report
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


TABLE = {
    "driver": "lab",
    "library": "lab|1.0 <b>",
    "contract": "1.0",
    "kit": "1.0 of ncwire 0.1.0",
    "target": "plain",
    "rules": {
        "open.class": {"outcome": "passed", "reason": ""},
        "io.binary": {"outcome": "passed", "reason": ""},
        "open.jumps": {"outcome": "skipped", "reason": "undeclared feature: proxy-jump"},
        "auth.none": {"outcome": "exempt", "reason": "the driver speaks no SSH"},
    },
}
BROKEN = TABLE | {
    "rules": TABLE["rules"] | {"io.binary": {"outcome": "failed", "reason": "a | b\nand more"}}
}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (TABLE, "ncwire contract 1.0: 2 rules kept"),
        (BROKEN, "ncwire contract 1.0: 1 rules broken"),
    ],
)
def test_the_badge_tells_how_many_rules_are_kept_or_broken(table, told):
    root = ET.fromstring(conform_report.badge(table))
    assert root.attrib["aria-label"] == told


def test_the_page_has_each_rule_with_its_result():
    text = conform_report.page(BROKEN)
    assert "- 1 failed, 1 passed, 1 skipped, 1 does not apply" in text
    assert "| `io.binary` | **failed**: a \\| b and more |" in text
    assert "| `open.class` | passed |" in text
    assert "lab\\|1.0 \\<b\\>" in text
    assert all(line.count(" | ") >= 2 for line in text.splitlines() if line.startswith("|"))


def test_a_badge_of_some_rules_is_refused(run, tmp_path):
    code, _, err = run("conform", "paramiko", "-k", "io", "--badge", str(tmp_path / "badge.svg"))

    assert code == Exit.USAGE
    assert "--badge" in err


def test_the_files_are_written_beside_each_other(run, tmp_path):
    place = ("--target", "plain", "ncwire.testing.memory:MemoryDriver", "-k", "open.class")
    code, _, err = run("conform", *place, "--report", str(tmp_path / "report.md"))

    assert code == Exit.OK, err
    assert "| `open.class` | passed |" in (tmp_path / "report.md").read_text(encoding="utf-8")
    code, _, err = run("conform", *place, "--report", str(tmp_path / "no" / "report.md"))
    assert code == Exit.USAGE
    assert "--report" in err


PLAIN = """
from ncwire.testing.memory import MemoryDriver
from ncwire.driver import DriverOption, OptionKind

class Lab(MemoryDriver):
    name = "lab"
    contract = (1, 0)
    driver_options = (DriverOption(name="speed", kind=OptionKind.INTEGER, meaning="how fast"),)

    def connect(self, options, deadline):
        if options.driver_options["speed"] != 7:
            raise AssertionError(options.driver_options["speed"])
        return super().connect(options, deadline)
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    (tmp_path / "lab_driver.py").write_text(PLAIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "lab_driver:Lab"


def test_each_connection_has_the_options_that_are_given(run, lab):
    place = ("--target", "plain", lab, "-k", "io.binary")
    assert run("conform", *place, "-O", "speed=7")[0] == Exit.OK
    assert run("conform", *place, "-O", "speed=6")[0] == Exit.DRIVER


def test_an_option_that_the_driver_has_not_is_refused_at_once(run, lab):
    code, _, err = run("conform", "--target", "plain", lab, "-k", "io.binary", "-O", "sped=7")
    assert code == Exit.DRIVER
    assert "did you mean speed?" in err


@pytest.mark.exhaustive  # the rules' servers wait for what never comes
def test_a_driver_that_names_no_transport_is_pointed_at_the_target(run, lab):
    code, _, err = run("conform", lab, "-k", "io.binary", "-O", "speed=7")
    assert code == Exit.DRIVER
    assert "add --target plain" in err
