"""`Choice`: what ncwire's own sessions are made with, which ncclient has no parameters for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ncwire

if TYPE_CHECKING:
    from ncwire._session.hub import Hub
    from ncwire.driver import Backend
    from ncwire.profiles.ncclient_handler import ProfileLike


@dataclass(frozen=True, slots=True)
class Choice:
    """Driver, profile and hub, each None for ncwire's own choice."""

    driver: str | type[Backend] | None = None
    profile: ProfileLike | None = None
    hub: Hub | None = None

    def check(self) -> None:
        """Find what is wrong with it, with nothing connected.

        Raises `OptionError` for a profile, a hub or a driver of another transport than SSH, and a
        `DriverError` for a driver that cannot be used.
        """
        # Not before it is needed: the drop-in alone is to import as fast as ncclient.
        from ncwire._transports.driver_choice import SSH, choose_for  # noqa: PLC0415

        ncwire.SSHSession(hub=self.hub, profile=self.profile)
        if self.driver is not None:
            choose_for(SSH, None, self.driver, None, {})
