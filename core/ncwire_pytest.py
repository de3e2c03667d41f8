"""The pytest plugin of ncwire: replayed devices, and the conformance kit, for who asks for them.

pytest loads this module in every environment that has ncwire, so it imports nothing of ncwire
until a test of the kit is there to run: `import ncwire` costs a tenth of a second, and would
come before a coverage tool begins to measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ncwire.driver import Backend
    from ncwire.testing import Replay
    from ncwire.testing.conformance.rig import Rig

MARKER = "ncwire_rule"
RUN = "ncwire_run"

pytest.register_assert_rewrite("ncwire.testing.conformance.suites")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the kit's options."""
    group = parser.getgroup("ncwire", "ncwire: the conformance kit for drivers")
    group.addoption(
        "--ncwire-driver",
        metavar="NAME",
        help="run the kit for this driver: a registered name, or MODULE:CLASS",
    )
    group.addoption(
        "--ncwire-target",
        choices=("ssh", "tls", "unix", "plain"),
        help="what the driver connects to: a server of its transport (default), or of this one; "
        "plain is TCP in the clear",
    )
    group.addoption(
        "--ncwire-option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="an option of the driver's own, which each connection of the kit's has; may be "
        "repeated",
    )
    group.addoption(
        "--ncwire-patience",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="how long anything may take that is to happen promptly (default: 10)",
    )
    group.addoption(
        "--ncwire-report", metavar="FILE", help="write the kit's results to a file, as JSON"
    )
    group.addoption(
        "--ncwire-count",
        metavar="N",
        type=int,
        default=1,
        help="run the kit's tests so many times over, and tell in how many a rule failed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the driver that the options name, and the kit's tests unless others are named."""
    config.addinivalue_line("markers", f"{MARKER}(id): the rule of the contract that it tests")
    if config.getoption("--ncwire-driver") is None:
        return
    from ncwire.testing.conformance import session  # noqa: PLC0415 - see the module's docstring

    session.configure(config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tell which driver, library and contract are tested."""
    if config.getoption("--ncwire-driver") is None:
        return []
    from ncwire.testing.conformance import session  # noqa: PLC0415 - see the module's docstring

    return session.header(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have the kit's tests run as often as they are to."""
    count: int = metafunc.config.getoption("--ncwire-count")
    if count > 1 and metafunc.definition.get_closest_marker(MARKER) is not None:
        metafunc.fixturenames.append(RUN)
        # The session's scope: all tests once, then all of them again.
        metafunc.parametrize(RUN, range(1, count + 1), scope="session")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have the kit watch over the session once one of its tests is there."""
    if item.get_closest_marker(MARKER) is None:
        return
    from ncwire.testing.conformance import session  # noqa: PLC0415 - see the module's docstring

    session.watch(item)


@pytest.fixture
def ncwire_driver(request: pytest.FixtureRequest) -> str | type[Backend]:
    """Return the driver under test, its name or class; for authors to override."""
    name = request.config.getoption("--ncwire-driver")
    if name is None:
        pytest.fail(
            "no driver to test: define a fixture `ncwire_driver` that returns its name, "
            "or run pytest with --ncwire-driver NAME",
            pytrace=False,
        )
    return str(name)


@pytest.fixture
def ncwire_target(request: pytest.FixtureRequest) -> str | None:
    """Return what the driver connects to, "plain" or another; for authors to override.

    None: what its `transport` says.
    """
    named: str | None = request.config.getoption("--ncwire-target")
    return named


@pytest.fixture
def ncwire_rig(
    request: pytest.FixtureRequest,
    ncwire_driver: str | type[Backend],
    ncwire_target: str | None,
) -> Iterator[Rig]:
    """Give a test of the kit what it works with; skip a rule that does not bind the driver."""
    from ncwire.testing.conformance import session  # noqa: PLC0415 - see the module's docstring

    with session.rig(request, ncwire_driver, ncwire_target) as rig:
        yield rig


@pytest.fixture
def ncwire_replay() -> Iterator[Callable[..., Replay]]:
    """Give what makes a `ncwire.testing.Replay`, with the same parameters.

    After the test each is closed and checked: a request that did not fit fails the test.
    """
    from ncwire.testing import Replay  # noqa: PLC0415 - see the module's docstring

    made: list[Replay] = []

    def make(*arguments: Any, **named: Any) -> Replay:
        made.append(Replay(*arguments, **named))
        return made[-1]

    yield make
    for each in made:
        each.close()
    for each in made:
        each.check()


@pytest.fixture
def ncwire_device(ncwire_replay: Callable[..., Replay]) -> Replay:
    """Give a device without a trace, which answers what `expect` says, and is checked after."""
    return ncwire_replay()
