"""Devices that call over TLS: which of them has the certificate that a peer presents."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ncwire._plugins.driver_options import PerDriver, settled
from ncwire._plugins.guard import driver_step
from ncwire._plugins.option_values import key_of
from ncwire._ssh.dialling import SocketConnecting
from ncwire._ssh.options.parameters import Parameters
from ncwire._transports import settling
from ncwire._transports.session import as_profile
from ncwire.callhome.device import Caller, Device, Devices, KnownDevice, listed
from ncwire.driver import ConnectOptions, SocketDriver
from ncwire.errors import (
    CertificateError,
    OptionError,
    UnknownCertificateError,
    UnsupportedOption,
)
from ncwire.profiles.driver_choice import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ncwire.driver import Channel, ChannelInfo, Deadline
    from ncwire.driver.timeouts import Timeouts

_PIN: Final = re.compile(r"(?:SHA-?256:)?((?:[0-9A-F]{2}:?){31}[0-9A-F]{2})", re.IGNORECASE)
_PINS, _NAME, _CHECKS_NAME = "fingerprint", "server_hostname", "check_hostname"
_IDENTIFYING: Final = frozenset({_PINS, _NAME, _CHECKS_NAME})
_VERIFYING: Final = ("ca_certs", "ssl_context")
_ANY_TRANSPORT: Final = frozenset(
    {
        *("name", "keepalive", "keepalive_count", "timeouts", "capabilities", "limits"),
        *("profile", "driver_options"),
    }
)


@dataclass(frozen=True, slots=True)
class _Certified(KnownDevice):
    """A device, and what its certificate must have: one of the pins, or else the name."""

    pins: tuple[str, ...]
    certificate_name: str


class CertificateDevices(Devices):
    """All devices, each known by certificates, or a name in them, that are no other's.

    The driver verifies the chain and has the client's certificate by one set of options, for in
    a handshake both come before it is known who calls. They are those of the listener, over
    those on which all devices agree.

    Raises `OptionError` for a parameter that is wrong, a device that nothing tells apart, and
    devices that do not agree; `UnsupportedOption` for what the driver cannot do.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        timeouts: Timeouts,
        driver: type[SocketDriver],
        given: Mapping[str, object],
    ) -> None:
        super().__init__()
        self.driver = driver
        self._by_pin: dict[str, _Certified] = {}
        self._by_name: dict[str, _Certified] = {}
        self._pinned_names: set[str] = set()
        every = listed(devices)
        common = _given(given, driver)
        # With one device what would tell it apart may stand in either place.
        sole = {name: value for name, value in common.items() if name in _IDENTIFYING}
        if sole and len(every) > 1:
            problem = "is one device's: give it in the driver_options of that Device"
            raise OptionError(key_of(min(sole)), problem)
        shared = _Shared(driver, {key: common[key] for key in common.keys() - sole.keys()})
        for device in every:
            try:
                own = sole | shared.less(device)
                known = _known(device, settled(driver, own), timeouts, driver)
            except OptionError as error:
                raise OptionError("devices", f"{device.name}: {error}") from error
            self._add(known)
        self.driver_options = self._settled(shared.values)
        self._try()

    @property
    def verifies_chain(self) -> bool:
        """Whether the driver itself verifies who has signed the certificate."""
        return any(self.driver_options.get(name) is not None for name in _VERIFYING)

    def caller(self, peer: str) -> Caller:  # noqa: ARG002 - a refusal names it
        """Return the one who calls; see `Devices.caller`."""
        return _CertifiedCaller(self)

    def with_certificate(self, info: ChannelInfo) -> _Certified:
        """Return the device whose certificate it is. Raises `UnknownCertificateError`."""
        found = self._by_pin.get(_plain(info.certificate_sha256))
        if found is not None:
            return found
        names = {_canonical(name) for name in info.certificate_names}
        named = {
            self._by_name[name].name: self._by_name[name] for name in names & {*self._by_name}
        }
        if len(named) == 1:
            return named.popitem()[1]
        reason = ""
        if named:
            reason = f"it is for several devices, {', '.join(sorted(named))}"
        elif names & self._pinned_names:
            name = min(names & self._pinned_names)
            reason = f"it is for {name}, of which another certificate is pinned"
        raise UnknownCertificateError(reason, info.certificate_subject, info.certificate_sha256)

    def has_pinned(self, fingerprint: str) -> bool:
        """Tell whether the certificate is one that is pinned."""
        return _plain(fingerprint) in self._by_pin

    def _add(self, known: _Certified) -> None:
        self._name(known)
        for pin in known.pins:
            other = self._by_pin.setdefault(pin, known)
            if other is not known:
                self._raise_same("fingerprint", other, known)
        if known.pins:
            self._pinned_names.add(known.certificate_name)
            return
        other = self._by_name.setdefault(known.certificate_name, known)
        if other is not known:
            self._raise_same("name in their certificates", other, known)

    @staticmethod
    def _raise_same(what: str, one: _Certified, other: _Certified) -> NoReturn:
        problem = f"{one.name} and {other.name} have the same {what}: nothing tells them apart"
        raise OptionError("devices", problem)

    def _settled(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return the options by which the driver is to answer any of the devices."""
        verifies = any(values.get(name) is not None for name in _VERIFYING)
        if self._by_name and not verifies:
            name = next(iter(self._by_name.values())).name
            problem = (
                f"{name}: there is nothing to know it by: give the fingerprint of its "
                "certificate, or the listener's ca_certs, that its name may count"
            )
            raise OptionError("devices", problem)
        if getattr(values.get("ssl_context"), _CHECKS_NAME, False):
            problem = "must have check_hostname off: the name is compared when it is known"
            raise OptionError(key_of("ssl_context"), problem)
        # With a chain to verify a pin is looked at here, so that what is told of a stranger is
        # what is wrong with the chain. Without one the driver has nothing else to go by.
        pins = None if verifies else tuple(self._by_pin)
        return settled(self.driver, {**values, _CHECKS_NAME: False, _PINS: pins})

    def _try(self) -> None:
        """Have the driver read its files once, so that what is wrong is told before any call."""
        options = ConnectOptions(host=None, username="", driver_options=self.driver_options)
        with driver_step(self.driver.name, "its constructor"):
            driver = self.driver()
        try:
            with driver_step(self.driver.name, "prepare"):
                driver.prepare(options)
        finally:
            driver.abort()


class _Shared:
    """The options that are the listener's: given to it, or said alike by all devices."""

    def __init__(self, driver: type[SocketDriver], given: Mapping[str, object]) -> None:
        self._driver = driver
        self._given = given
        self._said_by = ""
        self._said: Mapping[str, object] | None = None

    @property
    def values(self) -> Mapping[str, object]:
        """All of them; a value of None is as if it were not given."""
        return {**(self._said or {}), **self._given}

    def less(self, device: Device) -> dict[str, object]:
        """Return what a device says of itself alone. Raises `OptionError` for a difference."""
        options = {} if device.driver_options is None else device.driver_options
        if not isinstance(options, Mapping):
            problem = f"must be a mapping of names to values, not {type(options).__name__}"
            raise OptionError("driver_options", problem)
        own = _given(options, self._driver)
        said = {key: value for key, value in own.items() if key not in _IDENTIFYING}
        theirs = settled(self._driver, {k: v for k, v in said.items() if k not in self._given})
        if self._said is None:
            self._said, self._said_by = theirs, device.name
        for name, value in theirs.items():
            if value != self._said[name]:
                problem = (
                    f"is not that of {self._said_by}, and one is for all who call: what it is "
                    "for comes before it is known who calls. Give it to the listener"
                )
                raise OptionError(key_of(name), problem)
        return {key: own[key] for key in own.keys() & _IDENTIFYING}


class _CertifiedCaller(Caller):
    """The peer of one call: one of the devices, if its certificate says so."""

    def __init__(self, devices: CertificateDevices) -> None:
        super().__init__()
        self._devices = devices

    def connecting(self, options: ConnectOptions, deadline: Deadline) -> SocketConnecting:
        """Return what opens the channel; see `Caller.connecting`."""
        driver_class = self._devices.driver
        with driver_step(driver_class.name, "its constructor"):
            driver = driver_class()
        own = replace(options, driver_options=self._devices.driver_options)
        return _Answering(driver, own, deadline, self)

    def identify(self, info: ChannelInfo) -> None:
        """Find out who it is. Raises `UnknownCertificateError`."""
        self._known = self._devices.with_certificate(info)

    def refused(self, error: CertificateError) -> CertificateError:
        """Return what to raise where the driver has refused the certificate."""
        devices = self._devices
        if devices.verifies_chain or devices.has_pinned(error.fingerprint):
            return error
        return UnknownCertificateError("", error.subject, error.fingerprint)


class _Answering(SocketConnecting):
    """A TLS handshake, of which we are the client (RFC 8071 section 3.1, C3), and who it is with.

    No NETCONF message is sent before that is known.
    """

    def __init__(
        self,
        driver: SocketDriver,
        options: ConnectOptions,
        deadline: Deadline,
        caller: _CertifiedCaller,
    ) -> None:
        super().__init__(driver, options, deadline)
        self._caller = caller

    def _connect(self) -> Channel:
        try:
            channel = super()._connect()
        except CertificateError as error:
            refused = self._caller.refused(error)
            if refused is error:
                raise
            raise refused from error
        self._caller.identify(channel.info)
        return channel


def check_driver(driver: type[SocketDriver]) -> None:
    """Raise `UnsupportedOption` unless callers can be told apart by way of the driver."""
    declared = {option.name for option in driver.driver_options}
    for name in (_PINS, _CHECKS_NAME):
        if name not in declared:
            problem = f"it has no option {name}, by which callers are told apart"
            raise UnsupportedOption(driver.name, "callhome.listen", problem)


def _given(options: Mapping[str, object], driver: type[SocketDriver]) -> dict[str, object]:
    if isinstance(options, PerDriver):
        options = options.of(driver.name)
    return {name: value for name, value in options.items() if value is not None}


def _known(
    device: Device, own: Mapping[str, object], timeouts: Timeouts, driver: type[SocketDriver]
) -> _Certified:
    for parameter in fields(Device):
        value = getattr(device, parameter.name)
        if parameter.name not in _ANY_TRANSPORT and _is_given(value, parameter.default):
            problem = "it means something to SSH alone"
            if parameter.name == "username":
                problem = settling.no_user(driver)
            raise UnsupportedOption(driver.name, parameter.name, problem)
    profile = None if device.profile is None else as_profile(device.profile)
    given = Parameters(
        host=device.name,
        keepalive=device.keepalive,
        keepalive_count=device.keepalive_count,
        timeouts=device.timeouts or timeouts,
        profile=profile,
    )
    options = settling.fitted(settling.settle(given), driver, profile)
    check(driver, profile, options.required_features())
    texts: Any = own.get(_PINS) or ()
    pins = tuple(dict.fromkeys(map(_pin, texts)))
    if not pins and own.get(_CHECKS_NAME) is False:
        problem = "a device that is not pinned is known by its name, so that must be checked"
        raise OptionError(key_of(_CHECKS_NAME), problem)
    name = _canonical(str(own.get(_NAME) or device.name))
    return _Certified(device, options, pins, name, profile=profile)


def _is_given(value: object, default: object) -> bool:
    return value != default and (bool(value) or isinstance(default, bool))


def _pin(text: str) -> str:
    match = _PIN.fullmatch(text.strip())
    if match is None:
        problem = f"{text[:100]!r} is no SHA-256 in hexadecimal, of 64 digits"
        raise OptionError(key_of(_PINS), problem)
    return _plain(match[1])


def _plain(fingerprint: str) -> str:
    return fingerprint.replace(":", "").upper()


def _canonical(name: str) -> str:
    """Return a name as it is compared: whole, and so without regard to wildcards."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(name))
    with suppress(UnicodeError):  # a certificate has the form of the DNS (RFC 5280 section 7.2)
        name = name.encode("idna").decode("ascii")
    return name.removesuffix(".").lower()
