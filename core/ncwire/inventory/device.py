"""A device of the inventory: its settings, and where each came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncwire._plugins import registry
from ncwire._ssh.hostkeys.known_hosts import read_known_hosts
from ncwire.errors import DriverError, KeyFileError
from ncwire.inventory.schema import JumpReference
from ncwire.profiles.driver_choice import DriverChoice, choose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ncwire._ssh.options.parameters import Jump
    from ncwire._transports.session import DriverSession
    from ncwire.inventory.secrets import Secret


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

    def parameters(self, **overrides: Any) -> dict[str, Any]:
        """Return the parameters of `ncwire.connect` for this device, secrets read.

        `overrides` are such parameters, and win; a secret that is overridden is not read.
        ssh_config counts unless the device says otherwise. Raises `SecretError` and
        `DriverError`.
        """
        given = {name: setting.value for name, setting in self.settings.items()}
        given = {"ssh_config": True} | given | overrides
        if "driver" in self.settings and "driver" not in overrides:
            given["driver"] = self.driver().name
        if "password" not in overrides:
            given["password"] = self.password()
        if "passphrase" in self.settings and "passphrase" not in overrides:
            given["passphrase"] = self.passphrase()
        given["jumps"] = [
            jump.resolved() if isinstance(jump, JumpReference) else jump
            for jump in given.get("jumps", ())
        ]
        return given

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
        known_hosts = filenames("known_hosts", given.pop("known_hosts", None))
        read_known_hosts(known_hosts)
        options = settle(Parameters(**given), known_hosts)
        choose(driver, self.get("profile"), options.required_features())
        for path in options.key_filename:
            if not Path(path).is_file():
                raise KeyFileError(path, "there is no such file")

    def password(self) -> str | None:
        """Return the password, read anew; None where there is none. Raises `SecretError`."""
        return self._secret("password")

    def passphrase(self) -> str | None:
        """Return the keys' passphrase, read anew, as `password` does."""
        return self._secret("passphrase")

    def _secret(self, name: str) -> str | None:
        secret: Secret | None = self.get(name)
        return None if secret is None else secret.read()

    def connect(self, **overrides: Any) -> DriverSession:
        """Return a connected session; see `parameters`. Raises what `ncwire.connect` does."""
        from ncwire._transports.connect import connect  # noqa: PLC0415 - an inventory is read without

        return connect(**self.parameters(**overrides))


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
