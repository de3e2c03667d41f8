"""The same thing done with ncclient, with the drop-in and with ncwire, and what it comes to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ncclient import manager

import ncwire
from ncwire.contrib import ncclient as drop_in

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = ("ncclient", "drop-in", "ncwire")
CONNECTS = "connects"
SECONDS = 3
"""How long each way waits for a peer."""


def told(error: Exception) -> str:
    """Return the name of the class by which a program catches an error.

    An error of the drop-in's is of a class of both libraries', and named by ncclient's.
    """
    kinds = [each for each in type(error).__mro__ if each is not object]
    if isinstance(error, ncwire.NcwireError) and len(type(error).__bases__) > 1:
        kinds = [each for each in kinds if not each.__module__.startswith("ncwire")]
    return kinds[0].__name__


def arguments(way: str, given: dict[str, Any], profile: str | None) -> dict[str, Any]:
    if way == "ncwire":
        timeouts = ncwire.Timeouts(**dict.fromkeys(("hello", "rpc", "close"), SECONDS))
        return {"timeouts": timeouts, **given, "profile": profile}
    # Where ncclient has no such device, its default stands for it.
    known = profile in HANDLERS
    return {"timeout": SECONDS, **given, "device_params": {"name": profile if known else "default"}}


HANDLERS = frozenset(
    (
        "alu", "ciena", "csr", "default", "ericsson", "h3c", "hpcomware", "huawei", "huaweiyang",
        "iosxe", "iosxr", "junos", "nexus", "sros",
    )
)  # fmt: skip
"""ncclient's own, as of 0.7.1."""

CONNECT: dict[str, Callable[..., Any]] = {
    "ncclient": manager.connect,
    "drop-in": drop_in.connect,
    "ncwire": ncwire.connect,
}


def connecting(way: str, given: dict[str, Any]) -> str:
    """Return what connecting comes to."""
    try:
        session = CONNECT[way](**given)
    except Exception as error:  # noqa: BLE001 - what is compared
        return told(error)
    ended(way, session)
    return CONNECTS


def talking(way: str, given: dict[str, Any], profile: str | None = None) -> str:
    """Return what a session's life comes to: connect, get, close-session."""
    step = "connect"
    session = None
    try:
        session = CONNECT[way](**arguments(way, given, profile))
        step = "get"
        text = session.rpc("<get/>", SECONDS).raw if way == "ncwire" else str(session.get())
        if "42" not in text:
            return "get: lost"
        step = "close"
        session.close_session()
    except Exception as error:  # noqa: BLE001 - what is compared
        return f"{step}: {told(error)}"
    finally:
        if session is not None:
            ended(way, session)
    return "works"


def ended(way: str, session: Any) -> None:
    with suppress(Exception):
        (session if way == "ncwire" else session._session).close()
