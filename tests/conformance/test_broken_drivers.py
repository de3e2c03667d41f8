"""The kit checks itself: each broken driver fails the rules that it breaks, and no other.

With -s it prints the table.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from kit import broken_drivers, run_kit

from ncwire.driver.rules import RULES

BROKEN = broken_drivers("broken_channels", "broken_connects", "broken_ssh")
AT_ONCE = 3
NOT_BROKEN_YET = {
    # No driver here breaks these: that their tests can fail has not been shown.
    "auth.interactive-denied",
    "auth.password",
    "auth.publickey-denied",
    "close.after-peer",
    "io.stderr-does-not-starve",
    "keepalive.does-not-block",
    "open.environment-refused",
    "open.hung-up",
    "open.not-ssh",
}
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def results(request, tmp_path_factory):
    """The kit's results, which are under way for several drivers at once."""
    folder = tmp_path_factory.mktemp("reports")
    items = [item for item in request.session.items if hasattr(item, "callspec")]
    chosen = {item.callspec.params.get("driver") for item in items}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            driver: pool.submit(
                run_kit,
                driver,
                folder / driver.replace(":", "-"),
                target="ssh" if driver.startswith("broken_ssh") else "plain",
            )
            for driver in BROKEN
            if driver in chosen
        }


@pytest.mark.parametrize("driver", BROKEN)
def test_a_broken_driver_fails_exactly_the_rules_that_it_breaks(results, driver):
    result = results[driver].result()
    sys.stdout.write(f"{driver:50} {', '.join(sorted(result.of('failed')))}\n")

    assert result.of("failed") == BROKEN[driver], result.output


def test_nearly_every_rule_is_broken_by_some_driver():
    broken = {rule for rules in BROKEN.values() for rule in rules}

    assert set(RULES) - broken == NOT_BROKEN_YET
