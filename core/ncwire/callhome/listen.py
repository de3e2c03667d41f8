"""`listen`: from its parameters to a listener, or a clear refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ncwire._algorithms.offer import choose
from ncwire._algorithms.policy import AlgorithmPolicy, settled
from ncwire._plugins import registry
from ncwire._session.hub import SessionHub
from ncwire.callhome.acceptor import Acceptor, open_sockets
from ncwire.callhome.call import Terms
from ncwire.callhome.certificates import check_driver
from ncwire.callhome.known import known_devices
from ncwire.callhome.listener import Listener
from ncwire.driver import (
    Algorithms,
    ConnectOptions,
    Feature,
    SocketDriver,
    SSHDriver,
    Timeouts,
)
from ncwire.driver.seconds import positive_seconds
from ncwire.errors import OptionError, UnsupportedOption
from ncwire.profiles.driver_choice import check_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ncwire._session.hub import Hub
    from ncwire.callhome.device import Device
    from ncwire.callhome.listener import Refusal
    from ncwire.callhome.session import CallHomeSession
    from ncwire.driver import Backend

PORT: Final = 4334
"""NETCONF call home over SSH (RFC 8071 section 6)."""

TLS_PORT: Final = 4335
"""NETCONF call home over TLS (RFC 8071 section 6)."""

_HIGHEST_PORT = 65535


def listen(
    devices: Iterable[Device],
    *,
    address: str | None = None,
    port: int | None = None,
    driver: str | type[Backend] | None = None,
    on_session: Callable[[CallHomeSession], object] | None = None,
    on_refused: Callable[[Refusal], object] | None = None,
    timeout: float = 60.0,
    timeouts: Timeouts | None = None,
    algorithms: Algorithms | AlgorithmPolicy | None = None,
    driver_options: Mapping[str, object] | None = None,
    hub: Hub | None = None,
    concurrency: int = 32,
    backlog: int = 128,
) -> Listener:
    """Listen for devices that call home, and return the listener.

    `devices`: who may call; over SSH a peer with another host key is refused before
    authentication, over TLS one with another certificate before any NETCONF message.
    `driver`: over which library, and so whether over SSH or TLS.
    `address`: a name or an address of this machine, None for all, IPv6 and IPv4. `port`: None is
    4334 for SSH and 4335 for TLS, 0 any that is free.
    `on_session` is called with each session, on a thread of its own; without it the sessions are
    the listener's to iterate over. `on_refused` is called with a `Refusal` for every call that
    led to no session, and must be quick; without it that is logged as a warning. What the two
    raise is logged, and ends nothing but the session that `on_session` was called with.
    `timeout`: seconds from a connection to its session, the wait for its turn included;
    `timeouts` has the budgets of the steps. `algorithms` and `driver_options`: as for `connect`,
    for all alike; the latter win over those on which all devices agree. `hub`: what serves the
    sessions, in place of a thread for each.
    `concurrency`: how many calls are answered at one time; a source address, or an IPv6 /64, has
    at most half of that. `backlog`: how many more may wait for their turn; as long as that many
    sessions wait to be taken, no call has a turn.

    Raises `OptionError`, `KeyFileError`, `DriverError`, `UnsupportedOption`, and `ListenError`
    when the address cannot be listened on; nothing is open then.
    """
    if port is not None:
        _check("port", port, 0, _HIGHEST_PORT)
    _check("concurrency", concurrency, 1)
    _check("backlog", backlog, 1)
    for name, callback in (("on_session", on_session), ("on_refused", on_refused)):
        if callback is not None and not callable(callback):
            raise OptionError(name, f"must be callable, {type(callback).__name__} is not")
    _check_kind("address", address, str)
    _check_kind("timeouts", timeouts, Timeouts)
    _check_kind("algorithms", algorithms, Algorithms, AlgorithmPolicy)
    _check_kind("driver_options", driver_options, Mapping)
    if hub is not None and not isinstance(hub, SessionHub):
        raise OptionError("hub", f"must be a Hub, not {type(hub).__name__}")
    budgets = replace(timeouts or Timeouts(), overall=positive_seconds("timeout", timeout))
    offered = None if algorithms is None else settled(algorithms)
    chosen = _choose(driver, offered)
    terms = Terms(chosen, budgets, offered, driver_options or {}, hub)
    known = known_devices(devices, terms)
    usual = PORT if issubclass(chosen, SSHDriver) else TLS_PORT
    return Listener(
        Acceptor(open_sockets(address, usual if port is None else port)),
        known,
        terms,
        on_session,
        on_refused,
        concurrency,
        backlog,
    )


def _check(option: str, value: object, lowest: int, highest: float = float("inf")) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        limit = f"{lowest} or more" if highest == float("inf") else f"{lowest} to {highest}"
        raise OptionError(option, f"{value!r} is no whole number, {limit}")


def _check_kind(option: str, value: object, *kinds: type) -> None:
    if value is not None and not isinstance(value, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise OptionError(option, f"must be {names}, not {type(value).__name__}")


def _choose(
    driver: str | type[Backend] | None, algorithms: Algorithms | None
) -> type[SSHDriver | SocketDriver]:
    chosen = registry.choose(driver)
    anyone = ConnectOptions(host=None, username="", algorithms=algorithms)
    over_tls = chosen.transport == "tls"
    needed = {} if over_tls else {"callhome.listen": Feature.HOST_KEY}
    check_features(chosen, {**needed, "sock": Feature.SOCKET} | anyone.required_features())
    if over_tls and issubclass(chosen, SocketDriver):
        check_driver(chosen)
        return chosen
    if not issubclass(chosen, SSHDriver):
        # Only these kinds stop between handshake and session.
        kind = "a SocketDriver" if over_tls else "an SSHDriver"
        raise UnsupportedOption(chosen.name, "callhome.listen", f"it needs {kind}")
    choose(chosen, (), algorithms)  # what the driver has nothing of is told of now
    return chosen
