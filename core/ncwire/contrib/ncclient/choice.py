"""`Choice`: what ncwire's own sessions are made with, which ncclient has no parameters for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
