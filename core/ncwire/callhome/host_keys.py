"""Devices that call over SSH: which of them has the host key that a peer presents."""

from __future__ import annotations

import base64
import binascii
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ncwire._plugins.guard import driver_step
from ncwire._ssh.connecting import SSHConnecting
from ncwire._ssh.hostkeys.known_hosts import REVOKED, SSH_PORT, host_entry_name, read_known_hosts
from ncwire._ssh.hostkeys.peer import Identification, Identified
from ncwire._ssh.options.defaults import DEFAULT_PORT
from ncwire._ssh.options.parameters import Parameters, filenames
from ncwire._ssh.options.resolve import settle
from ncwire._transports.session import as_profile
from ncwire.callhome.device import Caller, Devices, KnownDevice, listed
from ncwire.driver.hostkey import HostKey
from ncwire.errors import OptionError, SSHHostKeyRevokedError, UnknownDeviceError
from ncwire.profiles.driver_choice import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire._ssh.hostkeys.known_hosts import KnownHostEntry
    from ncwire.callhome.device import Device
    from ncwire.driver import Deadline, SSHDriver
    from ncwire.driver.options import ConnectOptions
    from ncwire.driver.timeouts import Timeouts
    from ncwire.profiles import DeviceProfile


@dataclass(frozen=True, slots=True)
class _Keyed(KnownDevice):
    """A device whose keys are found."""

    keys: tuple[HostKey, ...]
    revoked: tuple[KnownHostEntry, ...]


class HostKeyDevices(Devices):
    """All devices, each with host keys that no other has.

    Raises `OptionError` for a parameter that is wrong, a device without a key, and two that
    have one name or one key; `UnsupportedOption` for what the driver cannot do; `KeyFileError`
    for private keys that cannot be used where there is nothing else to log in with.
    """

    def __init__(
        self, devices: Iterable[Device], timeouts: Timeouts, driver: type[SSHDriver]
    ) -> None:
        super().__init__()
        self._driver = driver
        self._by_key: dict[bytes, _Keyed] = {}
        self._revoked: dict[bytes, tuple[_Keyed, KnownHostEntry]] = {}
        for device in listed(devices):
            known = _known(device, timeouts)
            check(driver, known.profile, known.options.required_features())
            self._add(known)

    def caller(self, peer: str) -> Caller:
        """Return the one who calls; see `Devices.caller`."""
        return _KeyedCaller(self, self._driver, peer)

    def key_types(self) -> tuple[str, ...]:
        """Return the types of all devices' keys."""
        return tuple(
            dict.fromkeys(key.type for known in self._by_key.values() for key in known.keys)
        )

    def with_key(self, key: HostKey, peer: str) -> _Keyed:
        """Return the device whose key it is; `peer` is who presents it, for the error.

        Raises `SSHHostKeyRevokedError` and `UnknownDeviceError`.
        """
        found = self._by_key.get(key.blob)
        if found is not None:
            return found
        if key.blob in self._revoked:
            known, entry = self._revoked[key.blob]
            raise SSHHostKeyRevokedError(
                known.name,
                key.md5,
                key_type=key.type,
                sha256=key.sha256,
                filename=entry.filename,
                line=entry.line,
            )
        raise UnknownDeviceError(
            peer, key.md5, key_type=key.type, sha256=key.sha256, key_base64=key.base64
        )

    def _add(self, known: _Keyed) -> None:
        self._name(known)
        for key in known.keys:
            other = self._by_key.setdefault(key.blob, known)
            if other is not known:
                raise OptionError(
                    "devices",
                    f"{other.name} and {known.name} have the same host key, {key.type} "
                    f"{key.sha256}: a device that calls is known by nothing else",
                )
        for entry in known.revoked:
            self._revoked.setdefault(entry.key.blob, (known, entry))


class _KeyedCaller(Caller, Identification):
    """The peer of one call: one of the devices, if its host key says so."""

    def __init__(self, devices: HostKeyDevices, driver: type[SSHDriver], peer: str) -> None:
        super().__init__()
        self._devices = devices
        self._driver = driver
        self._peer = peer

    def connecting(self, options: ConnectOptions, deadline: Deadline) -> SSHConnecting:
        """Return what opens the channel; see `Caller.connecting`."""
        with driver_step(self._driver.name, "its constructor"):
            driver = self._driver()
        return SSHConnecting(driver, options, deadline, self)

    def key_types(self) -> Sequence[str]:
        """Return the types of all devices' keys."""
        return self._devices.key_types()

    def identify(self, key: HostKey) -> Identified:
        """Return how to go on with the device that has this key."""
        known = self._known = self._devices.with_key(key, self._peer)
        return Identified.by(known.options)


def parse_host_key(option: str, text: str) -> HostKey:
    """Return the key in a text: base64, a line of known_hosts, or the content of a .pub file.

    Raises `OptionError` for anything else, and for a line with a marker.
    """
    fields = text.split()
    # As known_hosts' own reader has it: a blob's base64 begins with AAAA, and nothing else does.
    index = next((i for i, word in enumerate(fields) if word.startswith("AAAA")), None)
    if index is None or text.lstrip().startswith("@"):
        raise OptionError(option, f"{text[:60]!r} is no public host key")
    try:
        key = HostKey.from_blob(base64.b64decode(fields[index], validate=True))
    except (binascii.Error, ValueError) as error:
        raise OptionError(option, f"{text[:60]!r} is no public host key") from error
    if index and fields[index - 1] != key.type:
        raise OptionError(option, f"{text[:60]!r} has a key of another type, {key.type}")
    return key


def _known(device: Device, timeouts: Timeouts) -> _Keyed:
    try:
        return _looked_up(device, timeouts)
    except OptionError as error:
        raise OptionError("devices", f"{device.name}: {error}") from error


def _looked_up(device: Device, timeouts: Timeouts) -> _Keyed:
    if device.driver_options:
        raise OptionError(
            "driver_options",
            "over SSH they are the listener's: keys are exchanged before it is known who calls",
        )
    profile = None if device.profile is None else as_profile(device.profile)
    options = _settled(device, timeouts, profile)
    Identified.by(
        options
    )  # where these are all there is and cannot be used, it is told now, not with each call
    entries = _on_file(device.name, options)
    revoked = tuple(entry for entry in entries if entry.marker == REVOKED)
    withdrawn = {entry.key.blob for entry in revoked}
    given = _given_keys(device)
    candidates = given or [entry.key for entry in entries if not entry.marker]
    keys = {key.blob: key for key in candidates if key.blob not in withdrawn}
    if not keys:
        where = "in host_keys" if given else f"on file in {', '.join(options.known_hosts) or '-'}"
        why = " that is not revoked" if candidates else ""
        raise OptionError("host_keys", f"there is no host key {where}{why}")
    return _Keyed(device, options, tuple(keys.values()), revoked, profile=profile)


def _settled(device: Device, timeouts: Timeouts, profile: DeviceProfile | None) -> ConnectOptions:
    # The device's socket is still to come. Any that is connected stands for it, so that the
    # parameters are judged just as those of a session over an open socket are.
    placeholder, other = socket.socketpair()
    with placeholder, other:
        given = Parameters(
            host=device.name,
            username=device.username,
            password=device.password,
            passphrase=device.passphrase,
            key_filename=device.key_filename,
            allow_agent=device.allow_agent,
            look_for_keys=device.look_for_keys,
            auth_handler=device.auth_handler,
            keepalive=device.keepalive,
            keepalive_count=device.keepalive_count,
            environment=device.environment,
            subsystems=device.subsystems,
            timeouts=device.timeouts or timeouts,
            profile=profile,
            sock=placeholder,
        )
        settled = settle(given, filenames("known_hosts", device.known_hosts))
    return replace(settled, sock=None)


def _on_file(name: str, options: ConnectOptions) -> list[KnownHostEntry]:
    known_hosts = read_known_hosts(options.known_hosts)
    names = (host_entry_name(name, port) for port in (SSH_PORT, DEFAULT_PORT))
    return [entry for each in names for entry in known_hosts.lookup(each)]


def _given_keys(device: Device) -> list[HostKey]:
    given = device.host_keys
    if isinstance(given, str | HostKey):
        given = [given]
    if isinstance(given, bytes | os.PathLike) or not isinstance(given, Iterable):
        raise OptionError("host_keys", "must be a HostKey or a string, or several")
    return [_key(each) for each in given]


def _key(given: object) -> HostKey:
    if isinstance(given, HostKey):
        return given
    if isinstance(given, str):
        return parse_host_key("host_keys", given)
    raise OptionError("host_keys", f"must be HostKey or a string, not {type(given).__name__}")
