"""`install`: every session of ncclient's in this process is carried by ncwire."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ncwire.contrib.ncclient import carried, managers
from ncwire.contrib.ncclient.choice import Choice
from ncwire.contrib.ncclient.connecting import connect_libssh
from ncwire.contrib.ncclient.library import ncclient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire._session.hub import Hub
    from ncwire.driver import Backend
    from ncwire.profiles.ncclient_handler import ProfileLike

_logger = logging.getLogger("ncwire.contrib.ncclient")
_lock = threading.Lock()
_connect_libssh: Final[Any] = getattr(ncclient.manager, "connect_libssh", None)
_told: set[Choice] = set()


def install(
    driver: str | type[Backend] | None = None,
    profile: ProfileLike | None = None,
    hub: Hub | None = None,
    driver_options: Mapping[str, object] | None = None,
) -> None:
    """Have every session that ncclient connects from now on be carried by ncwire.

    Its classes `SSHSession`, `TLSSession` and `UnixSocketSession` are changed in place, so that it
    does not matter when and how a program imports them. `driver`, `profile`, `hub` and
    `driver_options` are as for `ncwire.connect`, the first and the last for sessions over SSH;
    called again, it changes them for the sessions to come. What replaces ncclient's I/O itself, as
    a subclass or in a test, keeps that. What was done is told once at level INFO. Raises
    `OptionError` for a profile, a hub, a driver of another transport than SSH or an option that
    the `driver` has not, and a `DriverError` for a driver that cannot be used; nothing is changed
    then.
    """
    choice = Choice(driver, profile, hub, driver_options)
    choice.check()
    put_in_place(choice)


def put_in_place(choice: Choice) -> None:
    """Do what `install` does, with what is wrong told by each `connect`."""
    with _lock:
        carried.SSH.put(choice)
        for each in (carried.TLS, carried.UNIX):  # with drivers of their own
            each.put(replace(choice, driver=None, driver_options=None))
        if _connect_libssh is not None:
            ncclient.manager.connect_libssh = connect_libssh
        managers.put()
        first = not _told
        _told.add(choice)
    if first:
        _logger.info(
            "sessions of ncclient %s are carried by ncwire, over the driver %s",
            ncclient.__version__,
            choice.driver or "that is the default",
        )


def uninstall() -> None:
    """Take back what `install` did: ncclient connects by itself again.

    Sessions that are open stay carried until their end. Idempotent.
    """
    with _lock:
        for each in carried.ALL:
            each.take_back()
        if _connect_libssh is not None:
            ncclient.manager.connect_libssh = _connect_libssh
        managers.take_back()
        _told.clear()
