"""The kit within a pytest session: what it runs, for which driver, and for how long."""

from __future__ import annotations

import dataclasses
import importlib
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from ncwire._plugins import registry
from ncwire._plugins.driver_options import Written, settled
from ncwire.driver.rules import RULES
from ncwire.errors import DriverError, OptionError
from ncwire.testing.conformance import suites
from ncwire.testing.conformance.marking import MARKER
from ncwire.testing.conformance.report import Report, Subject
from ncwire.testing.conformance.rig import Rig
from ncwire.testing.conformance.targets import TARGETS
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.driver import Backend
    from ncwire.driver.rules import Rule

_PLUGIN = "ncwire-conformance"


def find(driver: str | type[Backend]) -> type[Backend]:
    """Return the driver's class: a registered name, MODULE:CLASS, or the class itself.

    Raises a `DriverError`, or `pytest.UsageError` for a module or class that is not there.
    """
    if isinstance(driver, str) and ":" in driver:
        module, _, name = driver.partition(":")
        try:
            driver = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise pytest.UsageError(f"--ncwire-driver {driver}: {error}") from error
    return registry.choose(driver)


def target_of(driver: type[Backend], named: str | None) -> str:
    """Return what the driver is connected to: as named, or what its transport is.

    Raises `pytest.UsageError` for a transport that the kit has no server for.
    """
    target = named or driver.transport
    if target not in TARGETS:
        raise pytest.UsageError(
            f"driver {driver.name}: the kit has no server for its transport {target!r}, but for "
            f"{', '.join(TARGETS)}; --ncwire-target names one of them, if it is one"
        )
    return target


def options_given(config: pytest.Config) -> dict[str, Written]:
    """Return the options of the driver's own that each connection is to have.

    Raises `pytest.UsageError` for what is not KEY=VALUE.
    """
    texts: dict[str, tuple[str, ...]] = {}
    for given in config.getoption("--ncwire-option"):
        name, equals, text = given.partition("=")
        if not equals:
            raise pytest.UsageError(f"--ncwire-option {name}: it must be KEY=VALUE")
        texts[name] = (*texts.get(name, ()), text)
    return {name: Written(f"-O {name}", each) for name, each in texts.items()}


def configure(config: pytest.Config) -> None:
    """Check the driver, and have the kit collected unless something else is named."""
    try:
        driver = find(config.getoption("--ncwire-driver"))
    except DriverError as error:
        raise pytest.UsageError(f"--ncwire-driver: {error}") from error
    target_of(driver, config.getoption("--ncwire-target"))
    try:
        settled(driver, options_given(config))
    except OptionError as error:
        raise pytest.UsageError(f"--ncwire-option: {error}") from error
    if not config.getoption("file_or_dir"):
        folder = Path(suites.__file__).parent
        config.args = [str(path) for path in sorted(folder.glob("test_*.py"))]


def header(config: pytest.Config) -> list[str]:
    """Return the lines that tell what is tested."""
    driver = find(config.getoption("--ncwire-driver"))
    subject = Subject.of(driver, target_of(driver, config.getoption("--ncwire-target")))
    return [f"ncwire conformance: {subject}"]


def watch(item: pytest.Item) -> None:
    """Note the rule of a test, and make sure that the session is watched over."""
    rule = _rule(item)
    item.user_properties.append(("ncwire_rule", rule.id))
    # So that -k takes what the report prints: a rule's id is no part of its test's name.
    item.extra_keyword_matches.add(rule.id)
    callspec = getattr(item, "callspec", None)
    run = callspec.params.get("ncwire_run", 1) if callspec else 1
    item.user_properties.append(("ncwire_run", run))
    plugins = item.config.pluginmanager
    if not plugins.has_plugin(_PLUGIN):
        plugins.register(Watch(item.config), _PLUGIN)


@contextmanager
def rig(
    request: pytest.FixtureRequest, driver: str | type[Backend], named: str | None
) -> Iterator[Rig]:
    """Give the test its rig, unless its rule does not bind the driver."""
    chosen = find(driver)
    target = target_of(chosen, named)
    folder: Path = request.getfixturevalue("tmp_path")
    patience = float(request.config.getoption("--ncwire-patience"))
    rule = _rule(request.node)
    properties = request.node.user_properties
    # As plain data, which other plugins can write down and send to other processes.
    properties.append(("ncwire_subject", dataclasses.asdict(Subject.of(chosen, target))))
    own = options_given(request.config)
    with Rig(chosen, target, patience, folder, own) as made:
        if exempt := made.exempt(rule):
            properties.append(("ncwire_exempt", exempt))
            pytest.skip(f"does not apply: {exempt}")
        if undeclared := made.undeclared(rule):
            pytest.skip(f"undeclared feature: {undeclared}")
        yield made


class Watch(Report):
    """The session's plugin: reports, and ends a test whose driver blocks for ever."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Call a test of the kit in a thread of its own, for its rig's limit at most."""
        if pyfuncitem.get_closest_marker(MARKER) is None:
            return None
        names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - as pytest's own hook does
        arguments = {name: pyfuncitem.funcargs[name] for name in names}
        rig = cast("Rig", arguments["ncwire_rig"])
        running = Task(lambda: pyfuncitem.obj(**arguments), "the test")
        began = time.monotonic()
        while (left := began + rig.limit - time.monotonic()) > 0 and not running.wait(left):
            pass  # the test may have added to its limit meanwhile
        if running.running:
            pytest.fail(str(running.stuck(rig.limit)), pytrace=False)
        running.result(rig.limit)
        return True


def _rule(item: pytest.Item) -> Rule:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        raise pytest.UsageError(f"{item.nodeid} tests no rule of ncwire's contract")
    return RULES[marker.args[0]]
