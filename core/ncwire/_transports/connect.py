"""`ncwire.connect`: a session over the driver that is chosen, of the class that fits it."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ncwire._transports.session import DriverSession, as_profile
from ncwire._transports.ssh import SSHSession
from ncwire._transports.tls import TLSSession
from ncwire._transports.unix import UnixSocketSession
from ncwire.errors import UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Unpack

    from ncwire._protocol.framing import Limits
    from ncwire._session.hub import Hub
    from ncwire._ssh.options.parameters import ConnectParameters, Filename
    from ncwire.driver import Backend
    from ncwire.profiles.ncclient_handler import ProfileLike

_CLASSES: Final[Mapping[str, type[DriverSession]]] = {
    "tls": TLSSession,
    "unix": UnixSocketSession,
}


def connect(
    host: str | None,
    *,
    profile: ProfileLike | None = None,
    driver: str | type[Backend] | None = None,
    capabilities: Iterable[str] | None = None,
    limits: Limits | None = None,
    hub: Hub | None = None,
    known_hosts: Filename | Iterable[Filename] | None = None,
    require_session_id: bool | None = None,
    **parameters: Unpack[ConnectParameters],
) -> DriverSession:
    """Return a connected session of the class that fits the driver's transport.

    That is an `SSHSession`, a `TLSSession`, a `UnixSocketSession`, or for any other transport a
    `DriverSession`. Over SSH the parameters are those of `SSHSession` and its `connect`; over
    another transport they are those of `DriverSession.connect`, and what means something to SSH
    alone is refused.
    `host` may be a URL, `netconf+DRIVER://USER@HOST:PORT?profile=NAME`, of which all but
    `netconf://` and the host may be left out. It has no password, and what it says is not given
    besides.
    `known_hosts`: one known_hosts file or several to use, see `SSHSession.load_known_hosts`; with
    `accept_new` the first may be missing.
    `require_session_id`: False takes a server's hello without a session-id; None means as the
    profile says, or else True.
    Raises what `connect` of that class raises; nothing is left open then.
    """
    session, connecting = prepared(
        host,
        profile=profile,
        driver=driver,
        capabilities=capabilities,
        limits=limits,
        hub=hub,
        known_hosts=known_hosts,
        require_session_id=require_session_id,
        **parameters,
    )
    try:
        connecting()
    except BaseException:
        session.close()  # an interrupt may come when it is open already, and the caller has it not
        raise
    return session


def prepared(
    host: str | None,
    *,
    profile: ProfileLike | None = None,
    driver: str | type[Backend] | None = None,
    capabilities: Iterable[str] | None = None,
    limits: Limits | None = None,
    hub: Hub | None = None,
    known_hosts: Filename | Iterable[Filename] | None = None,
    require_session_id: bool | None = None,
    **parameters: Unpack[ConnectParameters],
) -> tuple[DriverSession, Callable[[], None]]:
    """Return the session that `connect` would, unconnected, and what connects it.

    Whoever has the session can close it meanwhile. Raises what is wrong with the parameters
    before there is a session.
    """
    # As in `SSHSession.load_known_hosts`.
    from ncwire._plugins.url import is_url, spelled_out  # noqa: PLC0415
    from ncwire._ssh.options.parameters import check_names, exists, filenames  # noqa: PLC0415
    from ncwire._transports.driver_choice import SSH, candidate  # noqa: PLC0415

    _point_at_driver_options(parameters)
    check_names("connect", parameters)
    if host is not None and is_url(host):
        said = spelled_out(host, {"profile": profile, "driver": driver, **parameters})
        return prepared(
            **said,
            capabilities=capabilities,
            limits=limits,
            hub=hub,
            known_hosts=known_hosts,
            require_session_id=require_session_id,
        )
    settings: dict[str, Any] = {"driver": driver, "limits": limits, "hub": hub}
    settings["require_session_id"] = require_session_id
    settings["profile"] = settled = None if profile is None else as_profile(profile)
    found = candidate(driver, settled)
    session: DriverSession
    if found is None or found.transport == SSH:
        session = ssh = SSHSession(capabilities, **settings)
        for index, filename in enumerate(filenames("known_hosts", known_hosts)):
            if parameters.get("accept_new") and not index and not exists(filename):
                ssh._known_hosts += (filename,)  # noqa: SLF001 - connect makes the file
            else:
                ssh.load_known_hosts(filename)
        connecting = partial(ssh.connect, host, **parameters)
    else:
        given = without_ssh(found, {**parameters, "known_hosts": known_hosts})
        session = _CLASSES.get(found.transport, DriverSession)(capabilities, **settings)
        # Not the method of its class, whose parameters are other ones.
        connecting = partial(DriverSession.connect, session, host, **given)
    return session, connecting


def _point_at_driver_options(parameters: Mapping[str, Any]) -> None:
    """Raise the `TypeError` for what other sessions' `connect` has, and says where to give it."""
    known = inspect.signature(connect).parameters
    for name in parameters:
        if name in known or name in {"self", "protocol"}:  # which are no options of a driver's
            continue
        for session in _CLASSES.values():
            if name in inspect.signature(session.connect).parameters:
                raise TypeError(
                    f"connect() got an unexpected keyword argument {name!r}. It is an option of "
                    f"a driver's: give it in driver_options={{{name!r}: ...}}"
                )


def _spelled_out() -> inspect.Signature:
    """Return the signature of `connect` with each parameter of the method by its name.

    For people and tools that ask at run time: `help`, notebooks, the reference. What reads the
    source, as editors and mypy, finds the same in `ConnectParameters`.
    """
    own = inspect.signature(connect)
    method = inspect.signature(SSHSession.connect)
    keyword = inspect.Parameter.KEYWORD_ONLY
    _, _, *others = method.parameters.values()  # less `self` and `host`
    listed = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    return own.replace(parameters=[*listed, *(each.replace(kind=keyword) for each in others)])


connect.__dict__["__signature__"] = _spelled_out()


def without_ssh(driver: type[Backend], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that any transport has. Raises `UnsupportedOption` for others."""
    known = inspect.signature(DriverSession.connect).parameters
    defaults = {
        name: each.default
        for name, each in inspect.signature(SSHSession.connect).parameters.items()
    }
    for name, value in parameters.items():
        default = defaults.get(name)
        is_given = value != default and (bool(value) or isinstance(default, bool))
        if name not in known and is_given:
            raise UnsupportedOption(driver.name, name, "it means something to SSH alone")
    return {name: value for name, value in parameters.items() if name in known}
