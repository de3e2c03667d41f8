"""`Inventory`: the devices of one file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from ncwire.errors import InventoryError
from ncwire.inventory import location, parsing
from ncwire.inventory.values import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from ncwire._transports.session import DriverSession
    from ncwire.inventory.device import Device
    from ncwire.inventory.overrides import Overrides
    from ncwire.profiles import Stanza


@dataclass(frozen=True, slots=True)
class Inventory:
    """Devices by name; made by `load`."""

    path: Path
    devices: Mapping[str, Device]
    profiles: Mapping[str, Stanza]
    """The file's own profiles, as `ncwire.profiles.get` takes them."""

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Read and check a file; without a path, the one that `ncwire` would take.

        That is the one that NCWIRE_CONFIG names, else `ncwire.toml` in the working folder, else
        `ncwire/ncwire.toml` in the user's configuration folder. No secret is read. Raises
        `InventoryError` with everything that is wrong, and where there is no file.
        """
        found = location.find() if path is None else Path(path)
        if found is None:
            raise InventoryError(
                location.FILENAME, [f"there is none; it is looked for as {location.where()}"]
            )
        # Of the parts of a path only its folder matters later, when the working folder may differ.
        found = Path(os.path.abspath(found))  # noqa: PTH100 - resolve() would follow a link away
        devices, profiles = parsing.parse(location.read(found), found)
        return cls(found, MappingProxyType(devices), MappingProxyType(profiles))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping that cannot be changed is one that Python does not pickle.
        return _again, (type(self), self.path, dict(self.devices), dict(self.profiles))

    def device(self, name: str) -> Device:
        """Return a device. Raises `InventoryError` where there is none of that name."""
        if name not in self.devices:
            problem = unknown(name, self.devices).replace("is no key here", "is no device")
            raise InventoryError(str(self.path), [problem])
        return self.devices[name]

    def connect(self, name: str, **overrides: Unpack[Overrides]) -> DriverSession:
        """Return a session connected to a device; see `Device.connect`.

        `overrides` are parameters of `ncwire.connect`, and win over what the device says.
        """
        return self.device(name).connect(**overrides)


def _again(
    kind: type[Inventory], path: Path, devices: dict[str, Device], profiles: dict[str, Stanza]
) -> Inventory:
    return kind(path, MappingProxyType(devices), MappingProxyType(profiles))
