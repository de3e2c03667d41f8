"""`DeviceProfile`: what is special about a family of devices, as a value."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ncwire._algorithms.policy import AlgorithmPolicy, settled
from ncwire._protocol.capabilities import BASE_1_0, BASE_1_1, Capabilities
from ncwire._protocol.dialect import Dialect
from ncwire._protocol.framing import Limits
from ncwire.driver.algorithms import Algorithms
from ncwire.driver.seconds import shown
from ncwire.driver.timeouts import Timeouts
from ncwire.errors import OptionError, ProfileError
from ncwire.profiles.schema import OPTIONS

if TYPE_CHECKING:
    from ncwire.driver.features import Feature
    from ncwire.observe import Observer
    from ncwire.profiles.schema import Option

IN_PYTHON = "(Python)"
"""The `file` of a profile that was made by calling `DeviceProfile`."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a driver must have: all of these features, and of each kind one of the algorithms."""

    features: tuple[Feature, ...] = ()
    algorithms: Algorithms = field(default_factory=Algorithms)


@dataclass(frozen=True, slots=True)
class Given:
    """A value of an option, which profile gives it, in which file, and who says so."""

    value: object
    profile: str
    file: str
    source: str = ""
    """A citation: a document, a thread, another program's file."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option of a profile as it is in force; `given` is None for ncwire's own default."""

    key: str
    value: object
    given: Given | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """What is special about a family of devices: a value, which never changes.

    Made by `ncwire.profiles.get`, `load` and `parse`, or in Python, with the fields as keyword
    arguments. An argument of `connect`, and what ssh_config says about the host, wins over it.
    It says nothing about host keys and holds no credentials. The fields are described in
    `ncwire.profiles.schema.OPTIONS`; None means that the profile leaves it open.

    Raises `ProfileError`, which names file, option and value, and what is allowed.
    """

    name: str
    description: str = ""
    notes: tuple[str, ...] = ()
    driver: tuple[str, ...] = ()
    requires: Requirements = field(default_factory=Requirements)
    port: int | None = None
    subsystems: tuple[str, ...] = ("netconf",)
    command: str | None = None
    auth_methods: tuple[str, ...] | None = None
    keepalive: float | None = None
    keepalive_count: int | None = None
    pause: float = 0.0
    capabilities: tuple[str, ...] = (BASE_1_0, BASE_1_1)
    extra_capabilities: tuple[str, ...] = ()
    base: tuple[str, ...] = ("1.0", "1.1")
    dialect: Dialect = field(default_factory=Dialect)
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    algorithms: AlgorithmPolicy = field(default_factory=AlgorithmPolicy)
    driver_options: Mapping[str, Mapping[str, object]] = field(
        default_factory=lambda: MappingProxyType({}), hash=False, repr=False
    )
    """The options of drivers' own, by the driver's name and then the option's."""
    observers: tuple[Observer, ...] = field(default=(), compare=False, repr=False)
    """Who is told what the profile's sessions do; in Python only. See `ncwire.observe`."""
    file: str = field(default=IN_PYTHON, compare=False)
    given: Mapping[str, Given] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, repr=False
    )
    """The options that are given by this profile or one that it extends, by key."""

    def __post_init__(self) -> None:
        self._check_parts()
        self._settle_driver_options()
        for option in OPTIONS.values():
            self._check(option)
        self._check_together()

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping that cannot be changed is one that Python does not pickle.
        fields = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        options = {driver: dict(own) for driver, own in self.driver_options.items()}
        return _again, (
            type(self),
            {**fields, "given": dict(self.given), "driver_options": options},
        )

    def client_capabilities(self) -> Capabilities:
        """Return the capabilities of our hello."""
        offered = Capabilities((*self.capabilities, *self.extra_capabilities))
        for version in {"1.0", "1.1"} - set(self.base):
            offered.remove(f":base:{version}")
        return offered

    def settings(self) -> list[Setting]:
        """Return every option with its value, and where that comes from, in their order."""
        given = self.values()
        options = [
            Setting(key, _value(self, option), given.get(key)) for key, option in OPTIONS.items()
        ]
        own = _keyed(self.driver_options)
        return options + [Setting(key, value, given.get(key)) for key, value in own.items()]

    def values(self) -> Mapping[str, Given]:
        """Return what is given, by key; in Python that is what is no default."""
        plain = DeviceProfile(name=self.name)
        values: dict[str, Given] = {}
        for key, option in OPTIONS.items():
            value, given = _value(self, option), self.given.get(key)
            if given is not None and given.value == value:
                values[key] = given
            elif value != _value(plain, option):
                values[key] = Given(value, self.name, self.file)
        for key, value in _keyed(self.driver_options).items():
            given = self.given.get(key)
            kept = given is not None and given.value == value
            values[key] = given if given and kept else Given(value, self.name, self.file)
        return MappingProxyType(values)

    def _check_parts(self) -> None:
        if self.observers:
            from ncwire.observe.registry import checked  # noqa: PLC0415 - few have any

            try:
                object.__setattr__(self, "observers", checked(self.observers))
            except OptionError as error:
                raise ProfileError(self.file, self.name, "observers", error.problem) from error
        if not self.name:
            raise ProfileError(self.file, "", "name", "a profile needs a name")
        for each in dataclasses.fields(self):
            kind = _PARTS.get(each.name)
            if kind is not None and not isinstance(getattr(self, each.name), kind):
                problem = f"must be {kind.__name__}"
                raise ProfileError(self.file, self.name, each.name, problem)

    def _settle_driver_options(self) -> None:
        settled: dict[str, Mapping[str, object]] = {}
        given: Mapping[Any, Any] = self.driver_options
        for driver, own in given.items():
            if not isinstance(driver, str) or not isinstance(own, Mapping):
                problem = "must be mappings of names to values, by a driver's name"
                raise self._error("driver_options", problem)
            settled[driver] = MappingProxyType(dict(own))
        # A copy, so that the value never changes.
        object.__setattr__(self, "driver_options", MappingProxyType(settled))

    def _check(self, option: Option) -> None:
        value = _value(self, option)
        if value is None or (not value and option.key in _MAY_BE_LEFT_OUT):
            return
        try:
            read = option.read(value)
        except ValueError as error:
            raise self._error(option.key, f"{shown(value)} is not {option.allowed}") from error
        if "." not in option.path:
            # Lists become tuples, numbers of one kind.
            object.__setattr__(self, option.path, read)

    def _check_together(self) -> None:
        if not self.subsystems and self.command is None:
            raise self._error("subsystems", "there is none, and no command instead")
        if not self.client_capabilities().base_versions():
            raise self._error(
                "base", f"no capability of ours says base {' or '.join(self.base)}: {self.base}"
            )
        prefixes = [prefix for prefix, _ in self.dialect.rpc_namespaces]
        if self.dialect.rpc_prefix in prefixes:
            raise self._error("rpc.namespaces", f"{self.dialect.rpc_prefix!r} is rpc.prefix")
        if self.algorithms != AlgorithmPolicy():
            try:
                settled(self.algorithms)
            except OptionError as error:
                raise self._error(error.option, error.problem) from error

    def _error(self, key: str, problem: str) -> ProfileError:
        given = self.given.get(key)
        file, profile = (given.file, given.profile) if given else (self.file, self.name)
        return ProfileError(file, profile, key, problem)


def _again(kind: type[DeviceProfile], fields: dict[str, Any]) -> DeviceProfile:
    return kind(**{**fields, "given": MappingProxyType(fields["given"])})


def built(name: str, file: str, given: Mapping[str, Given]) -> DeviceProfile:
    """Return the profile that these values make. Raises `ProfileError`."""
    tree: dict[str, Any] = {}
    driver_options: dict[str, dict[str, object]] = {}
    for key, each in given.items():
        if key.startswith(DRIVER_OPTIONS):
            driver, _, name = key.removeprefix(DRIVER_OPTIONS).rpartition(".")
            driver_options.setdefault(driver, {})[name] = each.value
            continue
        *parents, last = OPTIONS[key].path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = each.value
    requires = tree.get("requires", {})
    parts = {
        "requires": Requirements(
            requires.get("features", ()), Algorithms(**requires.get("algorithms", {}))
        ),
        "dialect": Dialect(**tree.get("dialect", {})),
        "timeouts": Timeouts(**tree.get("timeouts", {})),
        "limits": Limits(**tree.get("limits", {})),
        "driver_options": driver_options,
        "algorithms": AlgorithmPolicy(
            **{word: Algorithms(**lists) for word, lists in tree.get("algorithms", {}).items()}
        ),
    }
    return DeviceProfile(
        **{**tree, **parts}, name=name, file=file, given=MappingProxyType(dict(given))
    )


_PARTS = {
    "requires": Requirements,
    "dialect": Dialect,
    "timeouts": Timeouts,
    "limits": Limits,
    "algorithms": AlgorithmPolicy,
    "driver_options": Mapping,
    "given": Mapping,
}
DRIVER_OPTIONS = "driver_options."
"""What the key of a driver's own option begins with; the driver's name and the option's follow."""

_MAY_BE_LEFT_OUT = frozenset({"driver"})


def _keyed(driver_options: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    return {
        f"{DRIVER_OPTIONS}{driver}.{name}": value
        for driver, own in driver_options.items()
        for name, value in own.items()
    }


def _value(profile: DeviceProfile, option: Option) -> object:
    return operator.attrgetter(option.path)(profile)
