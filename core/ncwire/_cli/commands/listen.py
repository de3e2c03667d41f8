"""`ncwire listen`: answer devices that call home."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ncwire import callhome
from ncwire._cli import (
    connection_options,
    documents,
    driver_option,
    failures,
    passwords,
    values,
)
from ncwire._cli.commands import inventory
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console, printable, write_document
from ncwire.driver import Timeouts
from ncwire.errors import NcwireError, OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from ncwire import inventory as inventories
    from ncwire.callhome import CallHomeSession, Listener, Refusal

_EXAMPLE = """\
example:
  ncwire listen --device admin@r1 --device admin@r2 --known-hosts devices \\
      --rpc get.xml

  where the file `devices` has their public host keys, a line for each:
    r1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5...
    r2 ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlz...
  When a call is refused for its key, the line that would let it in is shown.

over TLS, with devices of the inventory, or that are known by their names:
  ncwire listen --driver tls --device r1 --device r2.example.net \\
      -O certfile=manager.pem -O keyfile=manager.key -O ca_certs=devices-ca.pem
"""


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "listen",
        help="answer devices that call home (RFC 8071)",
        description=(
            "Listen for devices that open the connection themselves. A device is known by its\n"
            "host key, whatever address it calls from; who has no device's key is refused before\n"
            "any name or password is sent. Over TLS it is known by its certificate: by the\n"
            "fingerprint that the inventory has for it, or else by its name. For each call a\n"
            "line is printed: device, address, session-id and the number of capabilities; then\n"
            "the reply, if there is an rpc; then the session is closed. Ctrl-C ends it."
        ),
        usage="ncwire listen --device [USER@]NAME ... [OPTION ...]",
    )
    parser.epilog = _EXAMPLE
    parser.add_argument(
        "--device",
        metavar="[USER@]NAME",
        dest="devices",
        action="append",
        required=True,
        help="a device that may call, by its name in the inventory, in the known_hosts files, or "
        "in its certificate; may be repeated",
    )
    group = parser.add_argument_group("listening")
    group.add_argument("--address", metavar="ADDRESS", help="default: all, IPv6 and IPv4")
    group.add_argument(
        "-p",
        "--port",
        metavar="PORT",
        type=values.port_or_any,
        help=f"default: {callhome.PORT}, over TLS {callhome.TLS_PORT}; 0 takes any that is free",
    )
    group.add_argument(
        "--count", metavar="N", type=values.positive, help="end after N sessions; default: never"
    )
    group.add_argument(
        "--wait",
        metavar="SECONDS",
        type=values.seconds,
        help="end, with exit code 8, when no session has come for so long; default: never",
    )
    group = parser.add_argument_group("connection")
    connection_options.add_login_to(group)
    driver_option.add_to(group)
    passwords.add_sources_to(group)
    inventory.add_to(group)
    group = parser.add_argument_group("operation")
    group.add_argument(
        "--rpc", metavar="FILE", help="the element inside <rpc>, sent to each device; - is stdin"
    )
    group.add_argument(
        "--timeout", metavar="SECONDS", type=values.seconds, help="for the reply; default: 30"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Answer calls until there have been enough."""
    # What cannot be sent is told before anybody calls.
    operation = None if arguments.rpc is None else documents.operation(arguments.rpc)
    password = passwords.given(arguments)
    passphrase = passwords.given_passphrase(arguments)
    found = inventory.find(arguments.inventory)
    known = {} if found is None else found.devices
    driver = arguments.driver or _driver(arguments.devices, known)
    devices = [
        _device(destination, arguments, password, passphrase, known, driver)
        for destination in arguments.devices
    ]
    with callhome.listen(
        devices,
        address=arguments.address,
        port=arguments.port,
        driver=driver,
        driver_options=driver_option.given(arguments),
        on_refused=_tell_refused,
    ) as listener:
        where = ", ".join(_shown(*address) for address in listener.addresses)
        failures.note(f"listening on {where}")
        return _serve(listener, operation, arguments)


def _serve(listener: Listener, operation: bytes | None, arguments: argparse.Namespace) -> int:
    codes: list[int] = []
    while arguments.count is None or len(codes) < arguments.count:
        session = listener.accept(arguments.wait)
        try:
            codes.append(_answer(session, operation, arguments.timeout))
        except NcwireError as error:
            codes.append(failures.tell(error, f"{session.device}, {session.peer}: "))
    return next(filter(None, codes), Exit.OK)


def _answer(session: CallHomeSession, operation: bytes | None, timeout: float | None) -> int:
    with session:
        capabilities = len(list(session.server_capabilities or ()))
        line = Text.assemble(
            (printable(session.device), "bold"),
            f"  {session.peer}  session-id {session.id}  {capabilities} capabilities",
        )
        console().print(line, soft_wrap=True)
        sys.stdout.flush()
        if operation is None:
            return Exit.OK
        reply = session.rpc(operation, timeout)
        write_document(reply.raw)
        return Exit.RPC_ERROR if documents.has_rpc_error(reply.raw) else Exit.OK


def _driver(destinations: Sequence[str], known: Mapping[str, inventories.Device]) -> str | None:
    """Return the one driver that the inventory has for the devices; None if it has none of them.

    Raises `OptionError` where they have several.
    """
    listed = [known[name] for _, name in map(_split, destinations) if name in known]
    chosen = {device.name: device.driver().name for device in listed}
    if len({*chosen.values()}) > 1:
        each = ", ".join(f"{driver} for {name}" for name, driver in chosen.items())
        problem = f"the inventory has {each}, and a listener has one: choose it with --driver"
        raise OptionError("driver", problem)
    return next(iter(chosen.values()), None)


def _device(
    destination: str,
    arguments: argparse.Namespace,
    password: str | None,
    passphrase: str | None,
    known: Mapping[str, inventories.Device],
    driver: str | None,
) -> callhome.Device:
    user, name = _split(destination)
    options = {
        "known_hosts": arguments.known_hosts or None,
        "username": user or arguments.user,
        "password": password,
        "passphrase": passphrase,
        "key_filename": arguments.identity or None,
    }
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    if name in known:
        given = _of_inventory(known[name], given, driver)
    return callhome.Device(name=name, **given)


def _of_inventory(
    device: inventories.Device, given: Mapping[str, Any], driver: str | None
) -> dict[str, Any]:
    """Return what the inventory says of a device that concerns a call, under what was given."""
    own = device.parameters(**given, driver=driver)
    if own.get("hostkey_b64"):
        own["host_keys"] = own["hostkey_b64"]
    if own.get("timeout") is not None:
        own["timeouts"] = (own.get("timeouts") or Timeouts()).settled(own["timeout"])
    wanted = {field.name for field in fields(callhome.Device)} - {"name"}
    return {key: value for key, value in own.items() if key in wanted}


def _split(destination: str) -> tuple[str, str]:
    user, _, name = destination.rpartition("@")
    return user, name


def _tell_refused(refusal: Refusal) -> None:
    name = "" if refusal.device is None else f" of {refusal.device}"
    failures.tell(refusal.error, f"call{name} from {refusal.peer} refused: ")


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
