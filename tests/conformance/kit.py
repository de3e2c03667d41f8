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


def run_kit(driver, report, *arguments, target="ssh", patience=PATIENCE):
    """Run the kit for a driver, in a process of its own; return its result by rule."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *("-p", "ncwire_pytest", "-c", os.devnull, "--rootdir", HERE, "--noconftest"),
            *("-p", "no:cacheprovider", "-q", "--tb=short"),
            f"--ncwire-driver={driver}",
            f"--ncwire-target={target}",
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
