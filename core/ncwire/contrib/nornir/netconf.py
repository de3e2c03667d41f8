"""The connection `netconf`, for nornir_netconf's tasks and others that want ncclient's Manager.

nornir_netconf has an entry point of that name, and nornir knows no order among plugins: it refuses
the second of a name. So this one is no entry point, and is put in the other's place by `register`.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from ncwire._ssh.options.parameters import exists
from ncwire.contrib.ncclient.connecting import connect_ssh
from ncwire.contrib.ncclient.library import ncclient
from ncwire.contrib.nornir.library import ConnectionPluginRegister, PluginNotRegistered
from ncwire.contrib.nornir.platforms import PLATFORMS
from ncwire.contrib.nornir.shared_hub import Place
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nornir.core.configuration import Config

    from ncwire._session.hub import Hub
    from ncwire.driver import Backend
    from ncwire.profiles.ncclient_handler import ProfileLike

CONNECTION: Final = "netconf"
"""The name under which nornir_netconf's tasks ask for it."""

_logger = logging.getLogger("ncwire.contrib.nornir")


class NetconfConnection:
    """A connection of nornir's, which is ncclient's Manager over a session of ncwire's.

    It takes what nornir_netconf's own takes, of which it was learned (2.1.0,
    plugins/connections/netconf.py).
    """

    def __init__(self, choice: Mapping[str, Any]) -> None:
        self._choice = choice
        self._manager: Any = None
        self._place: Place | None = None

    def open(
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None = None,
        platform: str | None = None,
        extras: Mapping[str, Any] | None = None,
        configuration: Config | None = None,
    ) -> None:
        """Connect, as `ncwire.contrib.ncclient.connect_ssh` does.

        `extras` are its parameters, and win. Without `device_params` the device handler is that
        of `platform`, or ncclient's default where it has none of that name; without `ssh_config`
        it is `configuration.ssh.config_file`, if that is there. Raises what `connect_ssh` raises;
        nothing is left open then.
        """
        if self._manager is not None:
            raise TransportError("open: this connection was opened before; make a new one")
        given = {
            "host": hostname,
            "username": username,
            "password": password,
            "port": 830 if port is None else port,
            "device_params": {"name": _device_handler(platform)},
            **self._choice,
            **(extras or {}),
        }
        config_file = None if configuration is None else configuration.ssh.config_file
        if "ssh_config" not in given and config_file and exists(config_file):
            given["ssh_config"] = config_file
        place = Place(given.pop("hub", None))
        try:
            self._manager = connect_ssh(hub=place.hub, **given)
        except BaseException:
            place.leave()
            raise
        self._place = place

    def close(self) -> None:
        """Ask the server to end the session, and close. Idempotent, and raises nothing."""
        place, self._place = self._place, None
        if place is None:
            return
        try:
            self._manager.close_session()
        except ncclient.NCClientError as error:
            # The session has ended in any case, or had before.
            _logger.info("close-session: %s", error)
        finally:
            place.leave()

    @property
    def connection(self) -> Any:
        """The Manager of ncclient. Raises `TransportError` before `open`."""
        if self._manager is None:
            raise TransportError("connection: it was not opened")
        return self._manager


def _device_handler(platform: str | None) -> str:
    """Return the name of the device handler that fits a platform."""
    name = (platform or "").strip().lower()
    for each in (name, PLATFORMS.get(name, "")):
        if each.isidentifier() and find_spec(f"ncclient.devices.{each}") is not None:
            return each
    return "default"


class _Plugin:
    """What is registered: makes connections, with what `register` was given."""

    def __init__(self, **choice: Any) -> None:
        self._choice = {name: value for name, value in choice.items() if value is not None}

    def __call__(self) -> NetconfConnection:
        return NetconfConnection(self._choice)

    def __eq__(self, other: object) -> bool:
        # `InitNornir` registers all entry points each time. It fails where another plugin has the
        # name, and keeps the one that is equal (nornir 3.6, core/plugins/register.py).
        return other is self or not isinstance(other, _Plugin)

    __hash__ = object.__hash__


_replaced: Any = None


def register(
    driver: str | type[Backend] | None = None,
    profile: ProfileLike | None = None,
    hub: Hub | bool | None = None,  # noqa: FBT001 - as the option of that name
) -> None:
    """Have the connection `netconf` carried by ncwire, in the place of nornir_netconf's own.

    Before or after `InitNornir`, once for all that follow; connections that are open stay as they
    are. `driver`, `profile` and `hub` are for hosts whose extras do not have them; `hub` None is
    the one that all hosts share, False a thread for each session. Called again, it changes them.
    """
    global _replaced  # noqa: PLW0603 - nornir's own register is this process's, too
    try:
        found: Any = ConnectionPluginRegister.get_plugin(CONNECTION)
        ConnectionPluginRegister.deregister(CONNECTION)
    except PluginNotRegistered:
        found = None
    if not isinstance(found, _Plugin):
        _replaced = found
    plugin: Any = _Plugin(driver=driver, profile=profile, hub=hub)
    ConnectionPluginRegister.register(CONNECTION, plugin)


def unregister() -> None:
    """Take back what `register` did. Idempotent; connections that are open stay as they are."""
    global _replaced  # noqa: PLW0603 - as in `register`
    if not isinstance(ConnectionPluginRegister.available.get(CONNECTION), _Plugin):
        return
    ConnectionPluginRegister.deregister(CONNECTION)
    if _replaced is not None:
        ConnectionPluginRegister.register(CONNECTION, _replaced)
        _replaced = None
