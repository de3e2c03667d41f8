"""The kit's mark, which the kit's own plugin registers where ncwire is installed."""

from __future__ import annotations


def pytest_configure(config):
    config.addinivalue_line("markers", "ncwire_rule(id): the rule of the contract that it tests")
