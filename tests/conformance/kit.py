"""Runs the kit as an author does, and reads its report."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from ncwire.testing.conformance import suites

HERE = Path(__file__).parent
SUITES = Path(suites.__file__).parent
PATIENCE = 2.0


def run_kit(driver, report, *arguments, target=None, patience=PATIENCE):
    """Run the kit for a driver, in a process of its own; return its result by rule."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *("-p", "ncwire_pytest", "-c", os.devnull, "--rootdir", HERE, "--noconftest"),
            *("-p", "no:cacheprovider", "-q", "--tb=short"),
            f"--ncwire-driver={driver}",
            *([f"--ncwire-target={target}"] if target else []),
            f"--ncwire-patience={patience}",
            f"--ncwire-report={report}",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
        cwd=report.parent,
        text=True,
        check=False,
    )
    if not report.exists():
        raise AssertionError(done.stdout)
    (table,) = json.loads(report.read_text(encoding="utf-8"))
    return Result(table["rules"], done.stdout)


def run_together(drivers, report, target, patience=PATIENCE):
    """Run the kit for several drivers in one process, each on the rules that it breaks.

    Return what came of each: its outcomes by rule. `drivers` are their rules by MODULE:CLASS.
    `target` None is what each driver's transport says.
    """
    report.mkdir()
    (report / "test_together.py").write_text(TOGETHER, encoding="utf-8")
    (report / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (report / "wanted.json").write_text(json.dumps([target, drivers]), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "ncwire_pytest", "-c", os.devnull),
            *("--rootdir", report, "-p", "no:cacheprovider", "-q", "--tb=short"),
            f"--ncwire-patience={patience}",
            report / "test_together.py",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
        cwd=report,
        text=True,
        check=False,
    )
    outcomes = report / "outcomes.json"
    if not outcomes.exists():
        raise AssertionError(done.stdout)
    return {
        driver: Result(rules, done.stdout)
        for driver, rules in json.loads(outcomes.read_text(encoding="utf-8")).items()
    }


CONFTEST = """
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_, WANTED = json.loads((HERE / "wanted.json").read_text(encoding="utf-8"))
OUTCOMES = {driver: {} for driver in WANTED}
FAILED = {"outcome": "failed"}


def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if rule_of(item) in WANTED[driver_of(item)]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" or not report.passed:
        outcomes = OUTCOMES[driver_of(item)]
        if outcomes.get(rule_of(item)) != FAILED:  # a rule may have several tests
            outcomes[rule_of(item)] = {"outcome": report.outcome}
    return report


def pytest_sessionfinish():
    (HERE / "outcomes.json").write_text(json.dumps(OUTCOMES), encoding="utf-8")


def driver_of(item):
    return item.callspec.params["ncwire_driver"]


def rule_of(item):
    return item.get_closest_marker("ncwire_rule").args[0]
"""


TOGETHER = """
import json
from pathlib import Path

import pytest
from ncwire.testing.conformance.suites import *

TARGET, WANTED = json.loads((Path(__file__).parent / "wanted.json").read_text(encoding="utf-8"))


@pytest.fixture(params=WANTED)
def ncwire_driver(request):
    return request.param


@pytest.fixture
def ncwire_target():
    return TARGET
"""


class Result:
    """What the kit told of a driver."""

    def __init__(self, rules, output):
        self.rules = rules
        self.output = output

    def of(self, outcome):
        return {rule for rule, verdict in self.rules.items() if verdict["outcome"] == outcome}


def only(*operations):
    """Return the arguments that have only these operations' rules tested."""
    return [str(SUITES / f"test_{operation}.py") for operation in operations]


def without(*operations):
    """Return the arguments that leave these operations' rules out."""
    every = [path.stem.removeprefix("test_") for path in sorted(SUITES.glob("test_*.py"))]
    return only(*(operation for operation in every if operation not in operations))


def broken_drivers(*modules):
    """Return the marked drivers of modules, each by MODULE:CLASS; `breaks` names the rules."""
    found = {}
    for module in modules:
        for name, member in vars(importlib.import_module(module)).items():
            if (
                isinstance(member, type)
                and hasattr(member, "library")
                and "breaks" in vars(member)
            ):
                found[f"{module}:{name}"] = member
    return found
