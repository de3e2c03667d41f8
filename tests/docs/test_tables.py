"""The tables in the documentation are those that the code makes, and the code needs no library."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ncwire
from ncwire._algorithms.public_keys import CERTIFICATE_SUFFIX
from ncwire._plugins import registry
from ncwire.driver import Feature, SSHDriver
from ncwire.driver.rules import RULES
from ncwire.testing.faults import Fault, Phase

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "api.rst",
    "drivers/reference.rst",
    "drivers/rules.rst",
    "fault-matrix.rst",
    "features.rst",
    "inventory.rst",
    "known-drivers.rst",
    "makes.rst",
    "matrix.rst",
    "moving-from-ncclient.rst",
    "profiles.rst",
    "ssh-config.rst",
    "usage.rst",
    "vulnerabilities.rst",
)


def _tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_tables", DOCS / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tables = _tables()


@pytest.mark.parametrize("page", PAGES)
def test_the_committed_tables_are_current(page: str) -> None:
    committed = (DOCS / page).read_text(encoding="utf-8")
    assert tables.current(page) == committed, f"docs/{page} is out of date: {tables.COMMAND}"


def test_every_page_with_tables_is_checked() -> None:
    assert set(tables.TABLES) == set(PAGES)


@pytest.mark.parametrize("driver", tables.DRIVERS)
def test_every_driver_has_its_column(driver: str) -> None:
    assert f"     - {driver}\n" in tables.features_by_driver()


@pytest.mark.parametrize("parameter", inspect.signature(ncwire.connect).parameters)
def test_every_parameter_has_its_row(parameter: str) -> None:
    row = f"   * - ``{parameter}``\n"
    assert (row in tables.parameters_by_driver()) == (parameter != "host")


@pytest.mark.parametrize("feature", Feature)
def test_every_feature_has_its_row(feature: Feature) -> None:
    assert f"   * - ``{feature.value}``\n" in tables.features_by_driver()
    assert f"   * - ``Feature.{feature.name}``\n" in tables.features_by_parameter()


@pytest.mark.parametrize("driver", tables.DRIVERS)
def test_every_algorithm_of_a_driver_has_its_row(driver: str) -> None:
    loaded = registry.load(driver)
    if not issubclass(loaded, SSHDriver):
        pytest.skip("a driver without SSH has no algorithms")
    has = dataclasses.asdict(loaded.algorithms)
    listed = tables.default_algorithms() + tables.algorithms_by_name()
    for names in has.values():
        for name in names:
            # A certificate's algorithm is its key's, and offered with that.
            plain = name.removesuffix(CERTIFICATE_SUFFIX)
            assert f"     - ``{plain}``\n" in listed


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_row(rule: str) -> None:
    assert f"   * - ``{rule}``\n" in tables.rules()


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_of_the_fault_matrix_has_its_row(phase: Phase) -> None:
    assert f"   * - ``{phase.value}``\n" in tables.fault_matrix()


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_its_row(fault: Fault) -> None:
    assert f"   * - ``{fault.value}``\n" in tables.faults()


def test_the_tables_are_made_without_the_library_that_is_optional() -> None:
    # None in its place in sys.modules makes an import fail as one that is not installed does.
    script = (
        f"import runpy, sys; sys.modules['ssh2'] = None; sys.path[:] = {sys.path!r}; "
        f"tables = runpy.run_path({str(DOCS / 'tables.py')!r}); "
        "print(tables['features_by_driver']())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == tables.features_by_driver().strip()
