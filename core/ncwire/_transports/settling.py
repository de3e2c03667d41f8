"""From the parameters of a transport other than SSH to settled `ConnectOptions`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ncwire._ssh.options import parameters
from ncwire._ssh.options.defaults import DefaultPort
from ncwire._ssh.options.resolve import SERVER_ALIVE_COUNT_MAX
from ncwire._ssh.route import sockets
from ncwire.driver.features import Feature
from ncwire.driver.options import ConnectOptions
from ncwire.driver.over_socket import SocketDriver
from ncwire.driver.timeouts import Timeouts
from ncwire.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from ncwire._ssh.options.parameters import Parameters
    from ncwire.driver import Backend
    from ncwire.profiles import DeviceProfile

_LOGINS: Final = frozenset({Feature.PASSWORD, Feature.PUBLICKEY, Feature.KEYBOARD_INTERACTIVE})
_NO_USER: Final = {
    "tls": "over TLS the server takes the user's name from the client's certificate (RFC 7589 "
    "section 7)",
    "unix": "on a Unix socket the user is the one that this process runs as",
}


def settle(given: Parameters) -> ConnectOptions:
    """Check every parameter, and fill in what was not chosen, but for what is the driver's.

    Raises `OptionError`; nothing has been sent then, and `sock` and `sock_fd` are still the
    caller's.
    """
    parameters.check(given, needs_host=False)
    timeouts = given.timeouts or Timeouts()
    if given.profile is not None:
        timeouts = timeouts.filled_from(given.profile.timeouts)
    return ConnectOptions(
        host=given.host,
        port=given.port,
        username=given.username or "",
        password=given.password,
        allow_agent=False,
        look_for_keys=False,
        bind_addr=given.bind_addr,
        keepalive=given.keepalive or None,
        keepalive_count=given.keepalive_count or SERVER_ALIVE_COUNT_MAX,
        timeouts=timeouts.settled(given.timeout),
        # Last: from here on the fd has an owner.
        sock=given.sock if given.sock_fd is None else sockets.from_fd(given.sock_fd),
    )


def fitted(
    options: ConnectOptions, driver: type[Backend], profile: DeviceProfile | None
) -> ConnectOptions:
    """Return the options with what depends on the driver: port and keepalive.

    A profile is one for SSH, where it does not name the driver. Raises `OptionError` and
    `UnsupportedOption` for what means nothing to the driver.
    """
    if options.username and _LOGINS.isdisjoint(driver.features):
        raise UnsupportedOption(driver.name, "username", no_user(driver))
    if driver.transport == "unix" and not isinstance(options.port, DefaultPort):
        raise OptionError("port", "a Unix socket has none")
    needs_host = issubclass(driver, SocketDriver) or driver.transport == "tls"
    if needs_host and options.host is None and options.sock is None:
        raise OptionError("host", "needed, unless sock or sock_fd is given")
    own = profile if profile is not None and driver.name in profile.driver else None
    port = options.port
    if isinstance(port, DefaultPort):
        port = (own.port if own else None) or driver.default_port or int(port)
    keepalive = options.keepalive
    if keepalive is None and own is not None and Feature.KEEPALIVE in driver.features:
        keepalive = own.keepalive
    return replace(options, port=port, keepalive=keepalive)


def no_user(driver: type[Backend]) -> str:
    """Return why a driver takes no user's name."""
    return _NO_USER.get(driver.transport, "it does not log in by a name")
