"""The devices that may call, whatever they are known by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire._plugins.connecting import Connecting
    from ncwire._protocol.framing import Limits
    from ncwire._ssh.options.parameters import AuthHandler, Filename
    from ncwire.driver import ConnectOptions, Deadline, HostKey
    from ncwire.driver.timeouts import Timeouts
    from ncwire.profiles import DeviceProfile
    from ncwire.profiles.ncclient_handler import ProfileLike


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that may call, how it is recognised, and how to go on with it.

    Over SSH. `host_keys`: its public host keys, each a `HostKey` or as text: the base64, a line of
    known_hosts or the content of a .pub file (names and comments on it mean nothing). Without
    any it has the keys that are on file for `name`, plainly or as "[name]:830".
    `known_hosts`: the files to look in; by default the user's and the system's. A key that is
    marked @revoked there is refused, also one that is given here.

    Over TLS. `driver_options`: "fingerprint", the SHA-256 of its certificate, or several; without
    it the certificate must be for `name`, or for "server_hostname" of these options. Whatever else
    they say, as "certfile", all devices must say alike, for it is the listener's. What is about
    SSH, as the login, is refused.

    The rest is as for `SSHSession.connect` and its class. `timeouts` counts from authentication
    on (None: the listener's); what comes before is the listener's, for it is not known yet who
    calls. For the same reason `driver`, `port` and `algorithms` of a `profile` mean nothing here,
    nor do its options of drivers; what it requires of a driver, the listener's must have.
    """

    name: str
    host_keys: str | HostKey | Iterable[str | HostKey] = ()
    known_hosts: Filename | Iterable[Filename] | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    key_filename: Filename | Iterable[Filename] | None = None
    allow_agent: bool = True
    look_for_keys: bool = True
    auth_handler: AuthHandler | None = None
    keepalive: float | None = None
    keepalive_count: int | None = None
    environment: Mapping[str, str] | None = None
    subsystems: Iterable[str] | None = None
    timeouts: Timeouts | None = None
    capabilities: Iterable[str] | None = None
    limits: Limits | None = None
    profile: ProfileLike | None = None
    driver_options: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device, its parameters checked."""

    device: Device
    options: ConnectOptions
    profile: DeviceProfile | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """The name that the user has for it."""
        return self.device.name


class Devices(ABC):
    """All devices, each with a name, and something to know it by, that no other has."""

    def __init__(self) -> None:
        self._known: dict[str, KnownDevice] = {}

    def __iter__(self) -> Iterator[KnownDevice]:
        return iter(self._known.values())

    @abstractmethod
    def caller(self, peer: str) -> Caller:
        """Return the one who calls from there, of whom nothing is known yet."""

    def _name(self, known: KnownDevice) -> None:
        if self._known.setdefault(known.name, known) is not known:
            raise OptionError("devices", f"two are named {known.name}")


class Caller(ABC):
    """The peer of one call: one of the devices, as soon as it has shown that it is."""

    def __init__(self) -> None:
        self._known: KnownDevice | None = None

    @property
    def name(self) -> str | None:
        """The device's name; None before it is identified."""
        return None if self._known is None else self._known.name

    def device(self) -> KnownDevice:
        """Return who it is, after `connecting` has found that out."""
        if self._known is None:
            raise AssertionError("not identified")
        return self._known

    @abstractmethod
    def connecting(self, options: ConnectOptions, deadline: Deadline) -> Connecting:
        """Return what opens the channel, and identifies the caller on the way.

        The options are the listener's; their socket is the call's. Raises a `DriverError` where
        the driver cannot be made.
        """


def listed(devices: Iterable[Device]) -> list[Device]:
    """Return the devices. Raises `OptionError` for what are none, and for none at all."""
    if isinstance(devices, Device) or not isinstance(devices, Iterable):
        raise OptionError("devices", "must be several Device, in a list or tuple")
    found = list(devices)
    if not found:
        raise OptionError("devices", "there are none, so that no call could be answered")
    for device in found:
        if not isinstance(device, Device):
            raise OptionError("devices", f"must be Device, not {type(device).__name__}")
    return found
