"""The same thing done with ncclient, with the drop-in and with ncwire, and what it comes to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ncclient import manager

import ncwire
from ncwire.contrib import ncclient as drop_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.testing import EmbeddedServer

WAYS = ("ncclient", "drop-in", "ncwire")
CONNECTS = "connects"
WORKS = "works"
SECONDS = 10
"""How long each way waits for a peer."""


def login_at(server: EmbeddedServer) -> dict[str, Any]:
    """Return the parameters of connect that lead to a server of ncwire's, by each way."""
    return {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "password": server.password,
        "hostkey_b64": server.host_key.base64,
        "allow_agent": False,
        "look_for_keys": False,
    }


def told(outcomes: dict[str, str | Exception]) -> dict[str, str]:
    """Return what each way came to: a word, or the name of the class that catches its error.

    An error of the drop-in's is of classes of both libraries'. It is told by that of ncclient's
    own error, where it is one of those too.
    """
    own = outcomes["ncclient"]
    return {way: _caught(way, outcome, own) for way, outcome in outcomes.items()}


def _caught(way: str, outcome: str | Exception, own: str | Exception) -> str:
    if isinstance(outcome, str):
        return outcome
    kinds = type(outcome).__mro__
    if way == "drop-in":
        theirs = [each for each in kinds if each.__module__.startswith("ncclient")]
        same = [type(own)] if isinstance(outcome, type(own)) else []
        kinds = (*same, *theirs, *kinds)
    return kinds[0].__name__


def arguments(way: str, given: dict[str, Any], profile: str | None) -> dict[str, Any]:
    if way == "ncwire":
        timeouts = ncwire.Timeouts(**dict.fromkeys(("hello", "rpc", "close"), SECONDS))
        return {"timeouts": timeouts, **given, "profile": profile}
    # Where ncclient has no such device, its default stands for it.
    device = {"name": profile if profile in HANDLERS else "default"}
    if profile == "sros-private":
        device = {"name": "sros", "config_mode": "private"}
    return {"timeout": SECONDS, **given, "device_params": device}


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


def connecting(way: str, given: dict[str, Any]) -> str | Exception:
    """Return what connecting comes to."""
    try:
        session = CONNECT[way](**given)
    except Exception as error:  # noqa: BLE001 - what is compared
        return error
    ended(way, session)
    return CONNECTS


def talking(way: str, given: dict[str, Any], profile: str | None = None) -> str | Exception:
    """Return what a session's life comes to: connect, get, close-session."""
    session = None
    try:
        session = CONNECT[way](**arguments(way, given, profile))
        if "42" not in got(way, session):
            return "the reply is lost"
        session.close_session()
    except Exception as error:  # noqa: BLE001 - what is compared
        return error
    finally:
        if session is not None:
            ended(way, session)
    return WORKS


def got(way: str, session: Any) -> str:
    """Return the reply to a get as text, once it has been parsed."""
    if way == "ncwire":
        return "".join(session.rpc("<get/>").element.itertext())
    return str(session.get())


def ended(way: str, session: Any) -> None:
    with suppress(Exception):
        (session if way == "ncwire" else session._session).close()
