"""The options that say how to reach a device, named as ssh's, and the session they lead to."""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ncwire
from ncwire._cli import driver_option, host_argument, passwords, values
from ncwire._cli.commands import inventory
from ncwire._cli.failures import PASSPHRASE
from ncwire._plugins import registry, url
from ncwire._plugins.driver_options import PerDriver
from ncwire._transports.driver_choice import SSH, candidate
from ncwire.driver import Feature
from ncwire.errors import AuthenticationError, OptionError, SSHUnknownHostError
from ncwire.profiles.driver_choice import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire import DriverSession
    from ncwire._cli.passwords import TerminalPrompt
    from ncwire.inventory import Device, Inventory
    from ncwire.profiles import DeviceProfile

_log = logging.getLogger(__name__)

_PROMPTS = 3
"""How often a password is asked for: OpenSSH's NumberOfPasswordPrompts."""


def add_to(parser: argparse.ArgumentParser) -> argparse.Action:
    """Add HOST and the options of a connection. Returns HOST, which is required."""
    host = parser.add_argument(
        "host",
        metavar="HOST",
        help="a device of the inventory, a name or an address, or USER@HOST; or a URL, "
        "netconf[+DRIVER]://[USER@]HOST[:PORT][?profile=NAME]",
    )
    add_options_to(parser, add_login_to)
    return host


def add_with_optional_host_to(parser: argparse.ArgumentParser) -> None:
    """Add what `add_to` adds; HOST may be left out where the driver connects to no host."""
    host = add_to(parser)
    host.required = False
    host.help = f"{host.help}; {host_argument.LEFT_OUT}"


def add_options_to(
    parser: argparse.ArgumentParser, add_login: Callable[[argparse._ArgumentGroup], None]
) -> None:
    """Add the options of a connection, with those that `add_login` adds."""
    group = parser.add_argument_group("connection")
    group.add_argument(
        "-p",
        dest="port",
        metavar="PORT",
        type=values.port,
        help="default: 830, or the driver's own",
    )
    group.add_argument(
        "--profile",
        metavar="NAME",
        help="the device's profile, or a TOML file's path; see `ncwire profiles`",
    )
    add_login(group)
    group.add_argument(
        "-J",
        dest="jumps",
        metavar="HOST[,HOST...]",
        type=_hops,
        help="reach the device through these hosts, each [USER@]HOST[:PORT]; none: directly",
    )
    group.add_argument(
        "-F",
        dest="config",
        metavar="FILE",
        help="an ssh_config file instead of ~/.ssh/config; none: no file",
    )
    group.add_argument(
        "-o",
        dest="option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="an option as in ssh_config, which wins over the file; may be repeated",
    )
    driver_option.add_to(group)
    passwords.add_to(group)
    inventory.add_to(group)
    group.add_argument(
        "--accept-host-key",
        metavar="SHA256:...",
        type=_fingerprint,
        help="accept an unknown host key with this fingerprint, for this run",
    )


def add_login_to(group: argparse._ArgumentGroup) -> None:
    """Add what says how to log in, with which driver, and which host keys are known."""
    add_keys_to(group)
    group.add_argument(
        "--driver",
        metavar="NAME",
        help=f"default: ${registry.ENVIRONMENT}, or {registry.DEFAULT}; see `ncwire drivers`",
    )


def add_keys_to(group: argparse._ArgumentGroup) -> None:
    """Add what says how to log in, and which host keys are known."""
    group.add_argument("-l", dest="user", metavar="USER", help="the user to log in as")
    group.add_argument(
        "-i",
        dest="identity",
        metavar="FILE",
        action="append",
        default=[],
        help="a private key; may be repeated",
    )
    group.add_argument(
        "--known-hosts",
        metavar="FILE",
        action="append",
        default=[],
        help="the known_hosts file to verify the host key by; may be repeated",
    )


def connect(arguments: argparse.Namespace) -> DriverSession:
    """Return a session connected as the options say; the user is asked for what is missing.

    Raises what `ncwire.connect` raises. An unknown host key is accepted only if its SHA-256
    fingerprint is the one given: the connection is then made anew, with that key required.
    """
    return Login(arguments)(**parameters(arguments))


def repeatable(
    arguments: argparse.Namespace, drivers: Sequence[str]
) -> tuple[DriverSession, dict[str, Any]]:
    """Return a session as `connect` does, and the parameters by which others need not ask.

    They have the password, if one was asked for, and the host key, if one was accepted, and to
    each of these drivers the options that it has. A server's own prompts are not answered, for it
    would ask anew for each session.
    """
    login = Login(arguments)
    given = parameters(arguments)
    if "driver_options" in given:
        given["driver_options"] = driver_option.for_each(given["driver_options"], drivers)
    session = login(**given, auth_handler=None)
    return session, given | login.answered


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of `ncwire.connect` that the options come to, but for secrets.

    Of a device in the inventory they are the device's, over which the options win. Raises
    `InventoryError` and `SecretError`.
    """
    found = inventory.find(arguments.inventory)
    options = {
        "port": arguments.port,
        "driver": arguments.driver,
        "profile": arguments.profile,
        "username": arguments.user,
        "key_filename": arguments.identity or None,
        "known_hosts": arguments.known_hosts or None,
        "jumps": arguments.jumps,
        "driver_options": driver_option.given(arguments) or None,
    }
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    host = arguments.host
    if url.is_url(host):
        given = url.spelled_out(host, given)
        host = given.pop("host")
    elif host is not None:
        user, _, host = arguments.host.rpartition("@")
        if user:
            given.setdefault("username", user)
    if "profile" in given:
        given["profile"] = profile_of(given["profile"], found)
    if arguments.config is not None:
        given["ssh_config"] = _ssh_config(arguments.config)
    device = None if found is None else found.devices.get(host)
    if device is None:
        driver = candidate(given.get("driver"), given.get("profile"))
        host_argument.check(host, driver)
        over_ssh = driver is None or driver.transport == SSH
        usual = {"ssh_config": True} if over_ssh else {}
        return {"host": host, **usual, "ssh_options": arguments.option} | given
    # As for ssh, the first that is given of an option counts.
    given["ssh_options"] = [*arguments.option, *device.get("ssh_options", ())]
    return device.parameters(password=None, passphrase=None, **given)


def device_of(arguments: argparse.Namespace) -> Device | None:
    """Return the device of the inventory that HOST names, if it names one."""
    found = inventory.find(arguments.inventory)
    named = arguments.host
    if found is None or named is None:
        return None
    host = url.parse(named).host if url.is_url(named) else named.rpartition("@")[2]
    return None if host is None else found.devices.get(host)


def connects_to_no_host(arguments: argparse.Namespace) -> bool:
    """Return whether the driver that the options come to, HOST apart, takes no host."""
    profile = arguments.profile
    if profile is not None:
        profile = profile_of(profile, inventory.find(arguments.inventory))
    return host_argument.is_left_out_for(candidate(arguments.driver, profile))


def driver_choice(arguments: argparse.Namespace, session: DriverSession) -> str:
    """Return which driver a session has that was made by the options, and why."""
    choice = session.driver_choice
    if choice is None or arguments.driver is not None:
        return str(choice)
    if url.is_url(arguments.host) and url.parse(arguments.host).driver is not None:
        return str(replace(choice, by="the URL"))
    device = device_of(arguments)
    if device is not None and device.get("driver"):
        return str(device.driver())
    return str(choice)


class Login:
    """Connects, and asks the user on the terminal for what is missing, if that is wanted.

    Called with the parameters of `ncwire.connect`. A password that was asked for and a host key
    that was accepted are kept in `answered`, for the next call.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._destination = arguments.host or "the server"
        self._accepted = arguments.accept_host_key
        self._prompt = passwords.prompt(arguments)
        self._password = passwords.given(arguments)
        self._passphrase = passwords.given_passphrase(arguments)
        self._device = device_of(arguments)
        self.answered: dict[str, Any] = {}
        """What is known once a session is open, and need not be asked for again."""

    def __call__(self, **parameters: Any) -> DriverSession:
        """Connect. Raises what `ncwire.connect` raises."""
        self._read_secrets(parameters)
        self.answered |= {"password": self._password}
        parameters |= self.answered
        self._give_passphrase(parameters)
        prompt = self._prompt
        if self._password is None and prompt and _answers_prompts(parameters):
            parameters.setdefault("auth_handler", prompt.answers)
        try:
            return self._connect(parameters)
        except SSHUnknownHostError as error:
            # A changed or a revoked key has an error of its own, and no key_base64.
            if error.jump_host or error.key_base64 is None or error.sha256 != self._accepted:
                raise
            parameters["hostkey_b64"] = self.answered["hostkey_b64"] = error.key_base64
        return self._connect(parameters)

    def _read_secrets(self, parameters: dict[str, Any]) -> None:
        device = self._device
        if device is None:
            return
        driver = candidate(parameters.get("driver"), parameters.get("profile"))
        unused = () if driver is None else device.unused_by(driver)
        if self._password is None and "password" not in unused:
            self._password = device.password()
        if self._passphrase is None and "passphrase" not in unused:
            self._passphrase = device.passphrase()

    def _give_passphrase(self, parameters: dict[str, Any]) -> None:
        """Add the passphrase; where a driver has it as an option of its own, there."""
        driver = candidate(parameters.get("driver"), parameters.get("profile"))
        if driver is None or all(each.name != "passphrase" for each in driver.driver_options):
            parameters["passphrase"] = self.answered["passphrase"] = self._passphrase
            return
        parameters["passphrase"] = self.answered["passphrase"] = None
        if self._passphrase is not None:
            own = PerDriver(parameters.get("driver_options") or {})
            own[driver.name] = {**own.get(driver.name, {}), "passphrase": self._passphrase}
            parameters["driver_options"] = self.answered["driver_options"] = own

    def _connect(self, parameters: dict[str, Any]) -> DriverSession:
        for _ in range(_PROMPTS):
            try:
                return _logged(ncwire.connect(**parameters))
            except OptionError as error:
                prompt = self._prompt
                if prompt is None or not _passphrase_is_missing(error, prompt):
                    raise
                self._passphrase = prompt.password(
                    f"Passphrase of the key for {self._destination}: "
                )
                self._give_passphrase(parameters)
            except AuthenticationError as error:
                prompt = self._prompt
                if prompt is None or not _password_is_missing(error, parameters, prompt):
                    raise
                refused = "" if parameters["password"] is None else "Permission denied. "
                question = f"{refused}Password for {self._destination}: "
                self._password = prompt.password(question)
                parameters["password"] = self.answered["password"] = self._password
        return _logged(ncwire.connect(**parameters))


def profile_of(given: str, found: Inventory | None = None) -> DeviceProfile:
    """Return the profile that is named, the inventory's own first, or that is in a file.

    Raises `ProfileError`.
    """
    from ncwire import profiles  # noqa: PLC0415 - most commands read none

    own = {} if found is None else found.profiles
    is_path = os.sep in given or given.endswith(".toml")
    return profiles.load(given, own) if is_path else profiles.get(given, own)


def framing(session: DriverSession) -> str:
    """Return the framing that a session has agreed on (RFC 6242 section 4.1)."""
    offers = (session.client_capabilities, session.server_capabilities or ())
    both_speak_1_1 = all(":base:1.1" in offer for offer in offers)
    return "chunked" if both_speak_1_1 else "end-of-message"


def _logged(session: DriverSession) -> DriverSession:
    _log.debug("connected: session-id %s, %s", session.id, session.channel_info)
    return session


def _passphrase_is_missing(error: OptionError, prompt: TerminalPrompt) -> bool:
    # What was given by an option, or is in the inventory, is not asked for besides.
    return error.option == PASSPHRASE and (error.problem.startswith("needed") or prompt.asked > 0)


def _password_is_missing(
    error: AuthenticationError, parameters: dict[str, Any], prompt: TerminalPrompt
) -> bool:
    if "password" not in error.offered:
        return False
    # A user whom the server itself has asked has answered already; one who gave a password as an
    # option is not asked for another.
    never_had_one = parameters["password"] is None and not prompt.asked
    return never_had_one or (parameters["password"] is not None and prompt.asked > 0)


def _ssh_config(given: str | None) -> str | bool | None:
    if given is None:
        return True
    return None if given.lower() == "none" else given


def _answers_prompts(parameters: dict[str, Any]) -> bool:
    driver, _ = choose(parameters.get("driver"), parameters.get("profile"), {})
    return Feature.KEYBOARD_INTERACTIVE in driver.features


def _fingerprint(text: str) -> str:
    if not text.startswith("SHA256:"):
        raise argparse.ArgumentTypeError(f"{text!r} is no fingerprint as OpenSSH prints it")
    return text.rstrip("=")


def _hops(text: str) -> list[str]:
    hops = text.split(",")
    if not all(hops):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name in it")
    return hops
