"""What the quick suite samples, and `-m exhaustive` tries in full."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict

import pytest


def sampled(name, quick, full):
    """Have a test take a value as `name`: one for the quick suite, one for the exhaustive."""
    return pytest.mark.parametrize(
        name,
        [
            pytest.param(quick, id="sampled"),
            pytest.param(full, id="in full", marks=pytest.mark.exhaustive),
        ],
    )


def each_driver_in_turn(items, folder, drivers):
    """Have the quick suite try what a test of `folder` asks of all `drivers` with one of them.

    Which one, the test's name and the place among its cells tell, so that each has its turn. The
    others are for `-m exhaustive`.
    """
    alike = defaultdict(list)
    for item in items:
        parameters = getattr(item, "callspec", None)
        if parameters is not None and folder in item.path.parents:
            driver = parameters.params.get("driver")
            if driver in drivers:
                cell = parameters.id.replace(driver, "", 1)
                alike[item.path, item.originalname, cell].append(item)
    seen = Counter()
    for (path, name, _), cells in alike.items():
        turn = (zlib.crc32(name.encode()) + seen[path, name]) % len(cells)
        seen[path, name] += 1
        for each in cells[:turn] + cells[turn + 1 :]:
            each.add_marker(pytest.mark.exhaustive)
