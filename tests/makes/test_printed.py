"""What the matrix of makes looks like, and that its rows are those of the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from makes import printed
from makes.peers import MAKERS
from makes.rows import CHECKS, MAKES


def a_report(make, check="rpc", driver="libssh2", when="call", outcome="passed", told=None):
    return pytest.TestReport(
        f"tests/makes/test_makes.py::test_{check}[{make}-{driver}]",
        ("tests/makes/test_makes.py", 1, check),
        {},
        outcome,
        None if told is None else ("test_makes.py", 1, f"Skipped: {told}"),
        when,
    )


def shown(*reports):
    return "\n".join(printed.lines(printed.outcomes(reports)))


def test_each_check_has_its_test():
    tree = ast.parse(Path(__file__).with_name("test_makes.py").read_text(encoding="utf-8"))
    tests = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert {f"test_{check}" for check in CHECKS} <= tests


def test_each_make_has_its_server():
    assert MAKERS.keys() == MAKES.keys()


def test_no_reason_is_for_a_check_that_is_not_there():
    assert all(make.not_applicable.keys() <= CHECKS.keys() for make in MAKES.values())


@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_a_full_matrix_has_80_columns_at_most(outcome):
    reports = [
        a_report(make, check, driver, outcome=outcome)
        for driver in ("paramiko", "libssh2", "a-driver-with-a-long-name")
        for check in CHECKS
        for make in MAKES
    ]
    lines = shown(*reports).splitlines()
    assert len(lines) >= 3 * (len(CHECKS) + 1)
    assert max(map(len, lines)) <= 80


def test_no_row_is_cut_and_no_columns_touch():
    reports = [
        a_report(make, check, outcome="skipped", told=f"{make} {check}", when="setup")
        for check in CHECKS
        for make in MAKES
    ]
    head, *rows = shown(*reports).splitlines()[: 1 + len(CHECKS)]
    assert [row.partition("  ")[0] for row in rows] == [row.label for row in CHECKS.values()]
    assert all(f"  {make.label}" in head for make in MAKES.values())
    assert all(len(re.findall(r" skip \[\d+\]", row)) == len(MAKES) for row in rows)


def test_other_tests_of_the_same_file_are_no_cells():
    assert not printed.outcomes([a_report("conch", "something_else")])


def test_a_table_for_each_driver_with_a_column_for_each_make():
    first, *rows = shown(a_report("dropbear")).splitlines()
    assert first.split() == ["libssh2", "OpenSSH", "netconfd", "dropbear", "AsyncSSH", "Conch"]
    row = next(row for row in rows if row.startswith("rpc"))
    assert row.replace("not run", "-").split() == ["rpc", "-", "-", "ok", "-", "-"]


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_a_cell_has_failed_when_any_part_of_it_has(when):
    parts = ["setup", "call", "teardown"]
    reports = [
        a_report("conch", when=part, outcome="failed" if part == when else "passed")
        for part in parts
    ]
    assert "FAILED" in shown(*reports)
    assert "ok" not in shown(*reversed(reports))


def test_a_skipped_cell_is_not_ok():
    reports = [
        a_report("conch", when="setup", outcome="skipped", told="no twisted"),
        a_report("conch", when="teardown"),
    ]
    assert "skip [1]" in shown(*reports)
    assert "skip [1]" in shown(*reversed(reports))


def test_each_reason_is_told_once_by_its_number():
    text = shown(
        a_report("conch", outcome="skipped", told="not applicable: none of it", when="setup"),
        a_report("conch", "hello", outcome="skipped", told="no twisted", when="setup"),
        a_report("dropbear", outcome="skipped", told="not applicable: none of it", when="setup"),
    )
    assert text.count("n/a [2]") == 2
    assert text.count("skip [1]") == 1
    assert text.splitlines()[-2:] == ["[1] no twisted", "[2] not applicable: none of it"]


def test_a_long_reason_goes_on_in_the_next_line():
    told = "not applicable: " + "because of this and that " * 6
    text = shown(a_report("conch", outcome="skipped", told=told, when="setup"))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("because") == 6
