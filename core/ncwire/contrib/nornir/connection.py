"""`NcwireConnection`: nornir's connection plugin `ncwire`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ncwire
from ncwire.contrib.nornir.shared_hub import Place
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nornir.core.configuration import Config

CONNECTION: Final = "ncwire"
"""The plugin's name."""


class NcwireConnection:
    """A connection of nornir's, which is a session of ncwire's: `host.get_connection("ncwire")`.

    nornir makes, opens and closes it. The sessions of all hosts are served by one hub, which is
    there as long as one of them is open.
    """

    def __init__(self) -> None:
        self._session: ncwire.DriverSession | None = None
        self._place: Place | None = None

    def open(
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,
        extras: Mapping[str, Any] | None = None,
        configuration: Config | None = None,
    ) -> None:
        """Connect, as `ncwire.connect` does.

        `extras` are its parameters, as `connection_options` has them; `timeouts`, `limits`,
        `algorithms` and each of `jumps` may be tables. `hub`: False for a thread of the session's
        own, a `Hub` to use, else the one that all hosts share. `hostname` may be a URL. Without a
        `profile` it is the one that fits `platform`, if one does. Without `ssh_config` it is
        `configuration.ssh.config_file`, if that is there.

        Raises what `ncwire.connect` raises; nothing is left open then.
        """
        # nornir imports this module for each program, also for one that never connects by it.
        from ncwire.contrib.nornir.parameters import settled  # noqa: PLC0415

        if self._session is not None:
            raise TransportError("open: this connection was opened before; make a new one")
        given = settled(hostname, username, password, port, platform, extras, configuration)
        place = Place(given.pop("hub", None))
        try:
            self._session = ncwire.connect(hub=place.hub, **given)
        except BaseException:
            place.leave()
            raise
        self._place = place

    def close(self) -> None:
        """Ask the server to end the session, and close. Idempotent; raises nothing of the peer's.

        A server that does not answer is waited for as long as `timeouts.close` says.
        """
        place, self._place = self._place, None
        try:
            if self._session is not None:
                self._session.close_session()
        finally:
            if place is not None:
                place.leave()

    @property
    def connection(self) -> ncwire.DriverSession:
        """The session. Raises `TransportError` before `open`."""
        if self._session is None:
            raise TransportError("connection: it was not opened")
        return self._session
