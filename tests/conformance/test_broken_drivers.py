"""The kit checks itself: each broken driver fails the rules that it breaks, and no other.

The quick suite asks one driver for each of the operations that rules are about, and for the rules
that it breaks only, of many drivers in one process; `-m exhaustive` asks the others, too. With
`-m cross` the whole kit runs for each by itself, in half an hour. There it is spared rules that it
cannot break: those of a channel that is not its own, and those that start processes, unless it is
to break one of them. With `-n 0 -s` it prints the table: a line for each broken driver, with the
rules that failed.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from kit import PATIENCE, broken_drivers, only, run_kit, run_together, without

from ncwire.driver.rules import RULES

PLAIN = (
    "broken_io",
    "broken_backpressure",
    "broken_closes",
    "broken_errors",
    "broken_threads",
    "broken_connects",
)
SSH = (
    "broken_ssh_channels",
    "broken_authentication",
    "broken_hostkeys",
    "broken_steps",
    "broken_tunnels",
    "broken_refusals",
    "broken_logins",
    "broken_makes",
)
OTHERS = ("broken_tls", "broken_unix")
BROKEN = broken_drivers(*PLAIN, *SSH, *OTHERS)
SHARE = 12
"""So many drivers are worth a process of their own, which takes 2 s to start and collect."""
AT_ONCE = 6
"""A kit mostly waits: for what is to fail, and for what must not happen."""
CONNECTING = ("open", "auth", "hostkey", "makes")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def results(request, tmp_path_factory):
    """The kit's results, which are under way for several drivers at once."""
    folder = tmp_path_factory.mktemp("reports")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            driver: pool.submit(failed_of, driver, folder / driver.replace(":", "-"))
            for driver in chosen(request)
        }


def chosen(request):
    """Return the drivers that are asked for, the longest first: each failure takes its time."""
    items = [item for item in request.session.items if hasattr(item, "callspec")]
    asked = {item.callspec.params.get("driver") for item in items}
    return sorted(asked & set(BROKEN), key=lambda driver: -len(BROKEN[driver].breaks))


@pytest.fixture(scope="module")
def together(request, tmp_path_factory):
    """The results of all, a few processes at once: those that break most share none."""
    folder = tmp_path_factory.mktemp("together")
    ordered = chosen(request)
    plain = [driver for driver in ordered if driver.startswith(PLAIN)]
    others = [driver for driver in ordered if driver.startswith(OTHERS)]
    ssh = [driver for driver in ordered if driver not in plain + others]
    shares = [
        *(("plain", share) for share in shared(plain, most=2)),
        *((None, share) for share in shared(ssh, most=4)),
        *((None, share) for share in shared(others, most=1)),
    ]
    with ThreadPoolExecutor(max(1, len(shares))) as pool:
        running = [
            pool.submit(
                run_together,
                {driver: sorted(BROKEN[driver].breaks) for driver in drivers},
                folder / str(number),
                target,
            )
            for number, (target, drivers) in enumerate(shares)
        ]
        return {driver: result for each in running for driver, result in each.result().items()}


def shared(drivers, most):
    """Return the drivers' shares, one for each process, `most` of them at most."""
    number = min(most, -(-len(drivers) // SHARE))
    return [drivers[each::number] for each in range(number)]


def quick():
    """Return a driver for each operation of which one breaks a rule."""
    found, asked = [], set()
    for name, driver in BROKEN.items():
        breaks = {rule.partition(".")[0] for rule in driver.breaks}
        if not breaks <= asked:
            found.append(name)
            asked |= breaks
    return found


def failed_of(driver, report):
    """Return the rules that a driver fails, and what the kit told of that."""
    result = kit_of(driver, report)
    failed = result.of("failed")
    unlike = failed ^ BROKEN[driver].breaks
    if unlike:
        # With several at once on a busy machine a sound step may have been too slow for the kit's
        # patience; what is broken stays so, however patient it is.
        again = report.with_name(f"{report.name}-again")
        result = kit_of(driver, again, "-k", " or ".join(sorted(unlike)), patience=4 * PATIENCE)
        failed = (failed - unlike) | (result.of("failed") & unlike)
    return failed, result.output


def kit_of(driver, report, *arguments, patience=PATIENCE):
    rules = rules_for(BROKEN[driver])
    return run_kit(driver, report, *rules, *arguments, target=target_of(driver), patience=patience)


def target_of(driver):
    return "plain" if driver.startswith(PLAIN) else None


def rules_for(driver):
    operations = {rule.partition(".")[0] for rule in driver.breaks}
    if getattr(driver, "channel_is_sound", False) and operations <= set(CONNECTING):
        return only(*CONNECTING)
    return () if "threads" in operations else without("threads")


def tell(driver, failed):
    sys.stdout.write(f"\n{driver:50} {', '.join(sorted(failed))} ")
    sys.stdout.flush()  # what has come by now is to be seen, where it goes to a file, too


QUICK = quick()


@pytest.mark.parametrize(
    "driver",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.exhaustive) for name in BROKEN],
)
def test_a_broken_driver_fails_the_rules_that_it_breaks(together, tmp_path, driver):
    result = together[driver]
    if result.of("failed") != BROKEN[driver].breaks:
        # What it does beside the others, on a busy machine, may have looked like what it should.
        alone = {driver: sorted(BROKEN[driver].breaks)}
        patience = 4 * PATIENCE
        result = run_together(alone, tmp_path / "alone", target_of(driver), patience)[driver]
    tell(driver, result.of("failed"))
    assert result.of("failed") == BROKEN[driver].breaks, result.output


@pytest.mark.cross
@pytest.mark.timeout(3600)  # the first waits until those that break more are through
@pytest.mark.parametrize("driver", BROKEN)
def test_a_broken_driver_fails_exactly_the_rules_that_it_breaks(results, driver):
    failed, output = results[driver].result()
    tell(driver, failed)
    assert failed == BROKEN[driver].breaks, output


def test_every_rule_is_broken_by_some_driver():
    broken = {rule for driver in BROKEN.values() for rule in driver.breaks}

    assert set(RULES) == broken
