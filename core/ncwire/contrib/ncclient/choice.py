"""`Choice`: what ncwire's own sessions are made with, which ncclient has no parameters for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import ncwire
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from ncwire._session.hub import Hub
    from ncwire.driver import Backend
    from ncwire.profiles.ncclient_handler import ProfileLike

_SSH: Final = "ssh"


@dataclass(frozen=True, slots=True)
class Choice:
    """Driver, profile, hub and driver's own options, each None for ncwire's own choice."""

    driver: str | type[Backend] | None = None
    profile: ProfileLike | None = None
    hub: Hub | None = None
    # Neither shown nor hashed: there may be secrets among them, and lists.
    driver_options: Mapping[str, object] | None = field(default=None, repr=False, hash=False)

    def check(self) -> None:
        """Find what is wrong with it, with nothing connected.

        Raises `OptionError` for a profile, a hub, a driver of another transport than SSH or an
        option that the driver named has not, and a `DriverError` for a driver that cannot be used.
        """
        ncwire.SSHSession(hub=self.hub, profile=self.profile)
        self.check_driver()
        self._check_driver_options()

    def check_driver(self) -> None:
        """Find what is wrong with the driver alone; raises as `check` does."""
        if self.driver is None:
            return
        # Not before it is needed: the drop-in alone is to import as fast as ncclient.
        from ncwire._plugins import registry  # noqa: PLC0415

        chosen = registry.choose(self.driver)
        if chosen.transport != _SSH:
            usable = [
                each.name
                for each in registry.survey()
                if each.status == "ok" and each.transport == _SSH
            ]
            raise OptionError(
                "driver",
                f"{chosen.name!r} carries NETCONF over {chosen.transport}; give a driver of SSH, "
                f"of which there are {', '.join(usable)}. ncclient's connect_tls and connect_uds "
                "are carried over the drivers tls and unix by themselves, and need none",
            )

    def _check_driver_options(self) -> None:
        # Which driver it is where none is named is known only when a session connects.
        if self.driver is None or self.driver_options is None:
            return
        from ncwire._plugins import registry  # noqa: PLC0415 - as above
        from ncwire._plugins.driver_options import PerDriver, settled  # noqa: PLC0415

        chosen, own = registry.choose(self.driver), self.driver_options
        if not isinstance(own, Mapping):
            raise OptionError(
                "driver_options", f"must be a mapping of names to values, not {type(own).__name__}"
            )
        settled(chosen, own.of(chosen.name) if isinstance(own, PerDriver) else own)
