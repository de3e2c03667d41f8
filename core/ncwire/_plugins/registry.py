"""The drivers that are installed: entry points of the group `ncwire.drivers`.

A broken driver hurts only itself. `load` imports the package of the driver that is asked for and
no other; `survey` reports on each, whatever the others do.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ncwire._interrupts import raise_signalled
from ncwire._plugins.option_values import problem_of
from ncwire.driver import (
    CONTRACT,
    Algorithms,
    Backend,
    Driver,
    Feature,
    Library,
    SocketDriver,
    SSHDriver,
)
from ncwire.errors import (
    ContractMismatch,
    DriverError,
    DriverImportError,
    DriverNotFoundError,
    DriverUnavailable,
    InvalidDriverError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import EntryPoint

GROUP = "ncwire.drivers"
"""The entry-point group under which a distribution registers its drivers."""

ENVIRONMENT = "NCWIRE_DRIVER"
"""The environment variable that names the driver where no argument does."""

DEFAULT = "paramiko"

_KINDS = (SSHDriver, SocketDriver, Driver)
_HIGHEST_PORT = 65535
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DriverStatus:
    """What is known about one registered driver.

    `distribution` and `version` are those of the package that registers it; `contract` and
    `library` are "" where the driver is too broken to tell. `status` is "ok", "unavailable"
    (sound, but something that it needs is not installed) or "broken"; `reason` and `remedy`
    are "" when it is "ok". `libraries` are those that it tells of, where it can be used, and
    `transport` is what it carries NETCONF over, "" where it is broken.
    """

    name: str
    distribution: str
    version: str
    contract: str
    library: str
    status: Literal["ok", "unavailable", "broken"]
    reason: str
    remedy: str
    features: tuple[str, ...]
    libraries: tuple[Library, ...] = ()
    transport: str = ""


def names() -> list[str]:
    """Return the names of all registered drivers, usable or not, sorted; imports none."""
    return sorted(entry_points(GROUP))


def choose(driver: str | type[Backend] | None = None) -> type[Backend]:
    """Return the driver's class: the argument, else NCWIRE_DRIVER's, else paramiko's.

    A class is checked just as a registered one is. Raises a `DriverError`, see `load`.
    """
    if driver is None:
        driver = os.environ.get(ENVIRONMENT) or DEFAULT
    if isinstance(driver, str):
        return load(driver)
    return _usable(validate(driver))


@functools.cache
def load(name: str) -> type[Backend]:
    """Return the class of the driver registered as `name`, checked and available.

    Imports that driver's package and no other's. A success is remembered, as Python remembers
    the import; a failure is not. Raises `DriverNotFoundError`, `DriverImportError`,
    `InvalidDriverError`, `ContractMismatch` or `DriverUnavailable`.
    """
    return _usable(find(name))


def find(name: str) -> type[Backend]:
    """Return the class of the driver registered as `name`, checked, whether available or not.

    Raises what `load` does, but for `DriverUnavailable`.
    """
    registered = entry_points(GROUP)
    if name not in registered:
        raise _not_found(name, sorted(registered))
    return validate(_import(name, registered[name]), name)


def validate(candidate: object, registered_as: str | None = None) -> type[Backend]:
    """Return `candidate`, which is found to be a driver class that keeps the contract.

    `registered_as` is its entry point's name, which its `name` must equal. Raises
    `InvalidDriverError` or `ContractMismatch`; whether it is available is not asked.
    """
    if not (isinstance(candidate, type) and issubclass(candidate, _KINDS)):
        raise _invalid(
            registered_as or _describe(candidate),
            f"{_describe(candidate)} is no subclass of ncwire.driver.SSHDriver, SocketDriver or "
            "Driver",
        )
    name = _own_name(candidate, registered_as)
    _check_contract(name, candidate)
    if inspect.isabstract(candidate):
        missing = ", ".join(sorted(candidate.__abstractmethods__))
        raise _invalid(name, f"{_describe(candidate)} does not implement {missing}")
    features = getattr(candidate, "features", None)
    if not (isinstance(features, frozenset) and all(isinstance(f, Feature) for f in features)):
        raise _invalid(name, f"{_describe(candidate)}.features is no frozenset of Feature")
    _check_declarations(name, candidate)
    return candidate


def survey() -> list[DriverStatus]:
    """Return the status of each registered driver, sorted by name; imports them all."""
    return [status for _, status in _inspect()]


def ssh_drivers() -> list[tuple[type[SSHDriver], DriverStatus]]:
    """Return the drivers that keep the contract of an `SSHDriver`, sorted by name; imports all.

    Those that only lack something not installed are among them, with the remedy.
    """
    return [
        (driver, status)
        for driver, status in _inspect()
        if driver is not None
        and status.status != "broken"
        and issubclass(driver, SSHDriver)
        and isinstance(getattr(driver, "algorithms", None), Algorithms)
    ]


def _inspect() -> Iterator[tuple[type[Backend] | None, DriverStatus]]:
    registered = entry_points(GROUP)
    for name in sorted(registered):
        yield _status(name, registered[name])


def entry_points(group: str) -> dict[str, list[EntryPoint]]:
    """Return a group's entry points by name, read from where they stand; imports none.

    stevedore's own list comes from a cache on disk and another in the process, which hide what
    was installed since, and drop the distribution (stevedore 5.10, `_cache.py`).
    """
    # With it comes all of `email`, a quarter of what `import ncwire` may take.
    import importlib.metadata  # noqa: PLC0415

    by_distribution: dict[str, list[EntryPoint]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            points = list(distribution.entry_points.select(group=group))
            name = distribution.name if points else ""
        except Exception as error:  # noqa: BLE001 - a stranger's metadata may be damaged in any way
            raise_signalled(error)
            _log.warning("entry points of %s cannot be read: %r", distribution, error)
            continue
        # As on import, the first on the path hides further copies of the same distribution.
        if points:
            by_distribution.setdefault(name.replace("_", "-").lower(), points)
    registered: dict[str, list[EntryPoint]] = {}
    for points in by_distribution.values():
        for point in points:
            registered.setdefault(point.name, []).append(point)
    return registered


def imported(group: str, point: EntryPoint) -> object:
    """Return what an entry point names. Raises whatever its package raises on import."""
    # `import ncwire` must stay quick, and most of its users name no driver until they connect.
    from stevedore import DriverManager  # noqa: PLC0415

    class FreshDriverManager(DriverManager[object]):
        @classmethod
        def list_entry_points(cls) -> list[EntryPoint]:
            return [point]

    # Not `.driver`, which calls a class falsy when its metaclass says so (stevedore 5.10).
    return FreshDriverManager(group, point.name).extensions[0].plugin


def owner(point: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the distribution that an entry point belongs to."""
    distribution = point.dist
    if distribution is None:
        return "an unknown distribution", ""
    return distribution.name, distribution.version


def told(error: BaseException) -> str:
    """Return an exception's type and text."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _import(name: str, points: Sequence[EntryPoint]) -> object:
    if len(points) > 1:
        owners = " and ".join(owner(point)[0] for point in points)
        raise InvalidDriverError(name, f"registered by {owners}", "uninstall one of them")
    try:
        return imported(GROUP, points[0])
    except BaseException as error:
        raise_signalled(error)
        package, version = owner(points[0])
        raise DriverImportError(
            name,
            f"importing {points[0].value} failed: {told(error)}",
            f"reinstall or repair {package} {version}".rstrip(),
        ) from error


def _not_found(name: str, known: list[str]) -> DriverNotFoundError:
    import difflib  # noqa: PLC0415 - for errors only

    from ncwire._plugins.known_drivers import known_drivers  # noqa: PLC0415 - as above

    driver = known_drivers().get(name)
    if driver is not None:
        return DriverNotFoundError(
            name, f"{driver.package}, which has it, is not installed", f"install: {driver.install}"
        )
    close = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    have = ", ".join(known) or "none"
    return DriverNotFoundError(
        name, "no installed package registers it", f"{guess}registered: {have}"
    )


def _own_name(driver: type[Backend], registered_as: str | None) -> str:
    name = getattr(driver, "name", None)
    if not isinstance(name, str) or not name:
        raise _invalid(
            registered_as or _describe(driver), f"{_describe(driver)} has no attribute `name`"
        )
    if registered_as is not None and name != registered_as:
        raise _invalid(
            registered_as, f"its entry point is {registered_as!r}, its class says {name!r}"
        )
    return name


def _check_contract(name: str, driver: type[Backend]) -> None:
    ours = _dotted(CONTRACT)
    theirs = _stated_contract(driver)
    if theirs is None:
        raise ContractMismatch(
            name,
            f"{_describe(driver)} states no contract (major, minor) in its own body, "
            f"this ncwire speaks {ours}",
            "ask its author for a version that states one",
        )
    major, minor = theirs
    if major != CONTRACT[0] or minor > CONTRACT[1]:
        newer = theirs > CONTRACT
        raise ContractMismatch(
            name,
            f"it is written for contract {_dotted(theirs)}, this ncwire speaks {ours}",
            "upgrade ncwire" if newer else "upgrade the driver",
        )


def _check_declarations(name: str, driver: type[Backend]) -> None:
    problem = problem_of(driver.driver_options)
    if problem:
        raise _invalid(name, f"{_describe(driver)}: {problem}")
    transport: object = driver.transport
    if not isinstance(transport, str) or not transport:
        raise _invalid(name, f"{_describe(driver)}.transport is no word")
    port: object = driver.default_port
    if port is not None and (not isinstance(port, int) or not 0 < port <= _HIGHEST_PORT):
        raise _invalid(name, f"{_describe(driver)}.default_port is no port")


def _stated_contract(driver: type[Backend]) -> tuple[int, int] | None:
    """Return the contract that the class states itself; None for none, or what is no version."""
    match vars(driver).get("contract"):
        case (int(major), int(minor)):
            return major, minor
    return None


def _usable(driver: type[Backend]) -> type[Backend]:
    """Return the driver, which has said that it is available and over which library."""
    try:
        driver.check_available()
        library = driver.library()
    except DriverUnavailable:
        raise
    except BaseException as error:
        raise_signalled(error)
        raise _invalid(driver.name, f"check_available or library raised {told(error)}") from error
    if not isinstance(library, str):
        raise _invalid(driver.name, f"library() returned {type(library).__name__}, not str")
    return driver


def _status(name: str, points: Sequence[EntryPoint]) -> tuple[type[Backend] | None, DriverStatus]:
    owners = [owner(point) for point in points]
    status: Literal["ok", "unavailable", "broken"] = "ok"
    reason = remedy = contract = library = transport = ""
    features: tuple[str, ...] = ()
    libraries: tuple[Library, ...] = ()
    driver: type[Backend] | None = None
    try:
        candidate = _import(name, points)
        if isinstance(candidate, type) and issubclass(candidate, _KINDS):
            contract = _dotted(_stated_contract(candidate) or ())
        driver = validate(candidate, name)
        features = tuple(sorted(feature.value for feature in driver.features))
        transport = driver.transport
        library = _usable(driver).library()
        libraries = _libraries(driver)
    except DriverError as error:
        status = "unavailable" if isinstance(error, DriverUnavailable) else "broken"
        reason, remedy = error.reason, error.remedy
    return driver, DriverStatus(
        name=name,
        distribution=", ".join(owner for owner, _ in owners),
        version=", ".join(version for _, version in owners),
        contract=contract,
        library=library,
        status=status,
        reason=reason,
        remedy=remedy,
        features=features,
        libraries=libraries,
        transport=transport,
    )


def _libraries(driver: type[Backend]) -> tuple[Library, ...]:
    try:
        libraries = tuple(driver.libraries())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _invalid(driver.name, f"libraries raised {told(error)}") from error
    if not all(isinstance(each, Library) for each in libraries):
        raise _invalid(driver.name, "libraries() returned something else than Library")
    return libraries


def _invalid(name: str, reason: str) -> InvalidDriverError:
    return InvalidDriverError(name, reason, "report it to the driver's author")


def _describe(candidate: object) -> str:
    if isinstance(candidate, type):
        return f"{candidate.__module__}.{candidate.__qualname__}"
    return f"a {type(candidate).__name__}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
