"""What an inventory's `connect` may be given over what the device says, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._ssh.options.parameters import ConnectParameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ncwire._protocol.framing import Limits
    from ncwire._session.hub import Hub
    from ncwire._ssh.options.parameters import Filename
    from ncwire.driver import Backend
    from ncwire.observe import Observer
    from ncwire.profiles.ncclient_handler import ProfileLike


class Overrides(ConnectParameters, total=False):
    """The parameters of `ncwire.connect`, which tells what each does."""

    host: str | None
    profile: ProfileLike | None
    driver: str | type[Backend] | None
    capabilities: Iterable[str] | None
    limits: Limits | None
    hub: Hub | None
    known_hosts: Filename | Iterable[Filename] | None
    require_session_id: bool | None
    observers: Iterable[Observer]
