"""The mark of a broken driver: the rules that the kit must find broken, and no others."""

from __future__ import annotations

from ncwire.driver.rules import RULES


def breaks(*rules):
    assert set(rules) <= set(RULES)

    def mark(cls):
        cls.breaks = frozenset(rules)
        return cls

    return mark
