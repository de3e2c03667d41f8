"""ncclient's functions that connect, over ncwire: of the same signatures, and a little more."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ncwire.contrib.ncclient import carried, parameters
from ncwire.contrib.ncclient.choice import Choice
from ncwire.contrib.ncclient.errors import retyped
from ncwire.contrib.ncclient.library import ncclient
from ncwire.errors import OptionError, StepTimeoutError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire._session.hub import Hub
    from ncwire.contrib.ncclient.methods import Methods
    from ncwire.driver import Backend
    from ncwire.profiles.ncclient_handler import ProfileLike

_CALL_HOME_PORT = 4334
_CALL_HOME_PATIENCE = 10


def connect(
    *args: Any,
    driver: str | type[Backend] | None = None,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
    **kwds: Any,
) -> Any:
    """Return ncclient's Manager of a new session, as `ncclient.manager.connect` does.

    `driver`, `profile`, `hub` and `driver_options` are as for `ncwire.connect`; all else as for
    `ncclient.manager.connect`, also `use_libssh`, for which the driver is libssh2 where none is
    given. Raises errors that both libraries' `except` clauses catch; nothing is left open then.
    """
    params = kwds.get("device_params") or {}
    local = kwds.get("host") == "localhost" and params.get("name") == "junos"
    if local and params.get("local"):
        return ncclient.manager.connect_ioproc(*args, **kwds)
    by_libssh = kwds.pop("use_libssh", False)
    made = connect_libssh if by_libssh else connect_ssh
    kwds["driver_options"] = driver_options
    return made(*args, driver=driver, profile=profile, hub=hub, **kwds)


def connect_ssh(
    *args: Any,
    driver: str | type[Backend] | None = None,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
    **kwds: Any,
) -> Any:
    """Return ncclient's Manager of a new session over SSH, as `ncclient.manager.connect_ssh` does.

    `driver`, `profile`, `hub`, `driver_options` and what is raised: see `connect`.
    """
    return _connected(carried.SSH, Choice(driver, profile, hub, driver_options), args, kwds)


def connect_tls(
    *args: Any,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
    **kwds: Any,
) -> Any:
    """Return ncclient's Manager of a new session over TLS, as `ncclient.manager.connect_tls` does.

    `driver_options` are those of the driver tls; `profile`, `hub` and what is raised: see
    `connect`.
    """
    return _connected(carried.TLS, Choice(None, profile, hub, driver_options), args, kwds)


def connect_uds(
    *args: Any,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
    **kwds: Any,
) -> Any:
    """Return ncclient's Manager of a new session, as `ncclient.manager.connect_uds` does.

    It goes over the Unix socket `path`. `driver_options` are those of the driver unix; `profile`,
    `hub` and what is raised: see `connect`.
    """
    return _connected(carried.UNIX, Choice(None, profile, hub, driver_options), args, kwds)


def connect_libssh(
    *args: Any,
    driver: str | type[Backend] | None = None,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
    **kwds: Any,
) -> Any:
    """Return ncclient's Manager of a new session, as `ncclient.manager.connect_libssh` does.

    The driver is libssh2 where none is given; ssh-python need not be installed. `profile`, `hub`,
    `driver_options` and what is raised: see `connect`; `UnsupportedOption` for `key_base64` and
    `key_passphrase`, in whose place there are key files and `password`.
    """
    driver = "libssh2" if driver is None else driver
    for name in ("key_base64", "key_passphrase"):
        if kwds.pop(name, None) is not None:
            name_of = driver if isinstance(driver, str) else driver.name
            raise retyped(
                UnsupportedOption(name_of, name, "give key_filename, and password to open it")
            )
    kwds["driver_options"] = driver_options
    return connect_ssh(*args, driver=driver, profile=profile, hub=hub, **kwds)


def call_home(
    *args: Any,
    driver: str | type[Backend] | None = None,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
    **kwds: Any,
) -> Any:
    """Wait for a device that calls, and return the Manager, as `ncclient.manager.call_home` does.

    `host` and `port` are what to listen on, `timeout` the seconds to wait for a call and for each
    step of connecting. `driver`, `profile`, `hub`, `driver_options` and what is raised: see
    `connect`; a TimeoutError when no device calls. For more than one device there is
    `ncwire.callhome`.
    """
    timeout = kwds.get("timeout", _CALL_HOME_PATIENCE)
    with socket.create_server(
        (kwds["host"], int(kwds.get("port", _CALL_HOME_PORT))), family=_family(kwds["host"])
    ) as server:
        server.settimeout(timeout)
        try:
            kwds["sock"], _ = server.accept()
        except TimeoutError:
            raise retyped(StepTimeoutError("waiting for a call", timeout)) from None
    kwds["sock"].settimeout(None)
    kwds["driver_options"] = driver_options
    try:
        return connect_ssh(*args, driver=driver, profile=profile, hub=hub, **kwds)
    except BaseException:
        kwds["sock"].close()
        raise


def _connected(methods: Methods, choice: Choice, args: Any, kwds: dict[str, Any]) -> Any:
    manager = ncclient.manager
    device_params = kwds.pop("device_params", None)
    # Copies: what a program keeps for its next session stays as it is.
    manager_params = dict(kwds.pop("manager_params", None) or {})
    nc_params = dict(kwds.pop("nc_params", None) or {})
    errors_params = kwds.pop("errors_params", None) or {}
    if "timeout" in kwds:
        manager_params.setdefault("timeout", kwds["timeout"])
    if "timeout" in manager_params:
        try:
            manager_params["timeout"] = parameters.rpc_timeout(manager_params["timeout"])
        except OptionError as error:
            raise retyped(error) from None
    raise_mode = errors_params.get("raise_mode", ncclient.operations.RaiseMode.ALL)
    manager_params["raise_mode"] = raise_mode
    handler = manager.make_device_handler(device_params, errors_params.get("ignore_errors", []))
    if methods is carried.SSH:
        handler.add_additional_ssh_connect_params(kwds)
    handler.add_additional_netconf_params(nc_params)
    session = methods.new_session(handler, choice)
    session.connect(*args, **kwds)
    try:
        return manager.Manager(session, handler, **manager_params)
    except BaseException:
        session.close()
        raise


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
