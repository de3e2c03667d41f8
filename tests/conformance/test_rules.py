"""The rules and their tests: one each."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ncwire.driver.rules import RULES, Layer
from ncwire.testing.conformance import suites
from ncwire.testing.conformance.marking import MARKER


def rules_of(function):
    return [mark.args[0] for mark in getattr(function, "pytestmark", []) if mark.name == MARKER]


TESTS = {name: test for name, test in vars(suites).items() if name.startswith("test_")}
FUNCTIONS = [test for test in TESTS.values() if callable(test)]


def test_each_rule_has_exactly_one_test_and_each_test_one_rule():
    cited = Counter(rule for function in FUNCTIONS for rule in rules_of(function))

    assert all(len(rules_of(function)) == 1 for function in FUNCTIONS)
    # Unique across the modules, so that `import *` takes all of them.
    assert TESTS.keys() >= {f"test_{re.sub('[.-]', '_', rule)}" for rule in RULES}
    assert cited == dict.fromkeys(RULES, 1)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_is_a_sentence_with_a_readable_id(rule):
    assert re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.text.endswith(".")
    assert isinstance(rule.layer, Layer)
