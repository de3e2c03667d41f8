"""A device of the inventory: its settings, and where each came from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncwire._plugins import registry
from ncwire._plugins.driver_options import PerDriver, Stated, with_driver_options
from ncwire._ssh.hostkeys.known_hosts import read_known_hosts
from ncwire._transports.driver_choice import SSH, candidate
from ncwire._transports.session import as_profile
from ncwire.driver.features import Feature
from ncwire.errors import DriverError, KeyFileError, OptionError
from ncwire.inventory.schema import DRIVER_OPTIONS, JumpReference
from ncwire.profiles.driver_choice import DriverChoice, choose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from ncwire._ssh.options.parameters import Jump
    from ncwire._transports.session import DriverSession
    from ncwire.driver import Backend, ConnectOptions
    from ncwire.inventory.overrides import Overrides
    from ncwire.inventory.secrets import Secret
    from ncwire.profiles import DeviceProfile


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and where it came from."""

    value: Any
    text: str
    """The value for a table; of a secret, where it is."""
    origin: str
    """"devices.r1, line 12", "groups.core, line 4", "defaults, line 2", "the device's name"."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device: what `connect` needs to reach it. Secrets are read when it is connected to."""

    name: str
    groups: tuple[str, ...]
    settings: Mapping[str, Setting]

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting's value."""
        return self.settings[key].value if key in self.settings else default

    def driver(self) -> DriverChoice:
        """Return the driver that is taken, and why: of several the first that can be used.

        Where the device names none, it is as `ncwire.connect` chooses. Raises a `DriverError`,
        and `UnsupportedOption` for one that lacks what the profile requires.
        """
        setting = self.settings.get("driver")
        if setting is None:
            return choose(None, self.get("profile"), {})[1]
        return _first_usable(setting.value, setting.origin)

    def _jumps_without_secrets(self) -> list[str | Jump]:
        hops = self.get("jumps", ())
        return [hop.jump if isinstance(hop, JumpReference) else hop for hop in hops]

    def parameters(self, **overrides: Unpack[Overrides]) -> dict[str, Any]:
        """Return the parameters of `ncwire.connect` for this device, secrets read.

        `overrides` are such parameters, and win, of `driver_options` each by itself; a secret that
        is overridden is not read. Secrets among the driver's options are read when it connects.
        Over SSH ssh_config counts unless the device says otherwise; over another transport what
        groups and defaults say to SSH alone does not. Raises `SecretError` and `DriverError`.
        """
        own_settings = {name: self.settings[name].value for name in self._parameter_names()}
        given: dict[str, Any] = {**own_settings, **overrides}
        if "driver" in self.settings and "driver" not in overrides:
            given["driver"] = self.driver().name
        profile = given.get("profile")
        driver = candidate(given.get("driver"), None if profile is None else as_profile(profile))
        if driver is None or driver.transport == SSH:
            given = {"ssh_config": True} | given
        else:
            for name in self.unused_by(driver):
                if name not in overrides:
                    given.pop(name, None)
        if "password" not in overrides:
            given["password"] = self.password() if "password" in given else None
        if "passphrase" in given and "passphrase" not in overrides:
            given["passphrase"] = self.passphrase()
        own = self._driver_options(overrides.get("driver_options"))
        if own:
            given["driver_options"] = own
        given["jumps"] = [
            jump.resolved() if isinstance(jump, JumpReference) else jump
            for jump in given.get("jumps", ())
        ]
        return given

    def unused_by(self, driver: type[Backend]) -> list[str]:
        """Return the settings of groups and defaults that mean nothing to the driver's transport.

        They are left out then, so that one file can describe servers of several transports. What
        the device says itself is not among them: `connect` refuses it where it means nothing.
        """
        if driver.transport == SSH:
            return []
        wanted = {*_ANY_TRANSPORTS}
        if driver.transport == "unix":
            wanted -= {"port", "bind_addr"}
        if not _LOGINS.isdisjoint(driver.features):
            wanted |= {"username", "password"}
        return [
            name
            for name in self._parameter_names()
            if name not in wanted and not self.settings[name].origin.startswith("devices.")
        ]

    def in_use(self) -> Mapping[str, Setting]:
        """Return the settings that count for the driver that is taken: see `unused_by`."""
        names = self.get("driver")
        driver = None
        if names is None:
            driver = candidate(None, self.get("profile"))
        else:
            with suppress(DriverError):
                driver = candidate(self.driver().name, None)
        unused = () if driver is None else self.unused_by(driver)
        return {name: each for name, each in self.settings.items() if name not in unused}

    def verify(self) -> None:
        """Raise what connecting would raise before it sends anything; no secret is read.

        `DriverError`, `UnsupportedOption`, and `OptionError`, as for a file that is not there;
        `KeyFileError` for a key file that is not there, without which connecting would go on.
        """
        from ncwire._ssh.options.parameters import Parameters, filenames  # noqa: PLC0415
        from ncwire._ssh.options.resolve import settle  # noqa: PLC0415 - as below

        given = self.parameters(
            password=None, passphrase=None, jumps=self._jumps_without_secrets()
        )
        driver = given.pop("driver", None)
        found = candidate(driver, self.get("profile"))
        if found is not None and found.transport != SSH:
            self._verify_without_ssh(found, given)
            return
        known_hosts = filenames("known_hosts", given.pop("known_hosts", None))
        read_known_hosts(known_hosts)
        options = settle(Parameters(**given), known_hosts)
        chosen, _ = choose(driver, self.get("profile"), options.required_features())
        self._verify_driver_options(options, chosen)
        for path in options.key_filename:
            if not Path(path).is_file():
                raise KeyFileError(path, "there is no such file")

    def _verify_without_ssh(self, driver: type[Backend], given: dict[str, Any]) -> None:
        from ncwire._ssh.options.parameters import Parameters  # noqa: PLC0415 - as below
        from ncwire._transports.connect import without_ssh  # noqa: PLC0415 - as below
        from ncwire._transports.settling import fitted, settle  # noqa: PLC0415 - as below

        profile = given.pop("profile", None)
        parameters = Parameters(**{"host": None, **without_ssh(driver, given)}, profile=profile)
        options = settle(parameters)
        chosen, _ = choose(driver, profile, options.required_features())
        self._verify_driver_options(fitted(options, chosen, profile), chosen)

    def _parameter_names(self) -> list[str]:
        return [name for name in self.settings if not name.startswith(_DRIVER_OPTIONS)]

    def _driver_options(self, overrides: Mapping[str, object] | None) -> PerDriver:
        """Return the options by driver; a secret among them is read for the driver in use only."""
        own = PerDriver()
        for name, setting in self.settings.items():
            if name.startswith(_DRIVER_OPTIONS):
                driver, _, option = name.removeprefix(_DRIVER_OPTIONS).rpartition(".")
                own[driver] = {**own.get(driver, {}), option: setting.value}
        if isinstance(overrides, PerDriver):
            own |= overrides
        elif overrides:
            own[PerDriver.IN_USE] = overrides
        return own

    def _verify_driver_options(self, options: ConnectOptions, driver: type[Backend]) -> None:
        own = PerDriver(
            {
                name: {key: _unread(value) for key, value in each.items()}
                for name, each in self._driver_options(None).items()
            }
        )
        profile: DeviceProfile | None = self.get("profile")
        with_driver_options(
            options, driver, None if profile is None else profile.driver_options, own
        )
        known = {*registry.names(), *self.get("driver", ()), *(profile.driver if profile else ())}
        for name in own:
            if name not in known:
                have = ", ".join(sorted(known))
                problem = f"no driver {name!r} is installed, or named by the device; known: {have}"
                raise OptionError(f"{_DRIVER_OPTIONS}{name}", problem)

    def password(self) -> str | None:
        """Return the password, read anew; None where there is none. Raises `SecretError`."""
        return self._secret("password")

    def passphrase(self) -> str | None:
        """Return the keys' passphrase, read anew, as `password` does."""
        return self._secret("passphrase")

    def _secret(self, name: str) -> str | None:
        secret: Secret | None = self.get(name)
        return None if secret is None else secret.read()

    def connect(self, **overrides: Unpack[Overrides]) -> DriverSession:
        """Return a connected session; see `parameters`. Raises what `ncwire.connect` does."""
        from ncwire._transports.connect import connect  # noqa: PLC0415 - an inventory is read without

        return connect(**self.parameters(**overrides))


_DRIVER_OPTIONS = f"{DRIVER_OPTIONS}."
_ANY_TRANSPORTS = (
    *("host", "port", "bind_addr", "profile", "driver"),
    *("timeout", "timeouts", "keepalive", "keepalive_count"),
)
_LOGINS = frozenset({Feature.PASSWORD, Feature.PUBLICKEY, Feature.KEYBOARD_INTERACTIVE})


class _Unread:
    """What stands for a secret that is not to be read."""

    def read(self) -> str:
        return "secret"


def _unread(value: object) -> object:
    """Return a stated value, with something in place of one that is somewhere else."""
    if isinstance(value, Stated) and value.reference is not None:
        return replace(value, reference=_Unread())
    return value


def _first_usable(names: Sequence[str], origin: str) -> DriverChoice:
    problems: list[DriverError] = []
    for name in names:
        try:
            registry.load(name)
        except DriverError as error:
            problems.append(error)
            continue
        return DriverChoice(name, origin, tuple((each.name, each.reason) for each in problems))
    raise problems[0]
