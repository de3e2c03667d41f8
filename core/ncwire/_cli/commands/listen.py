"""`ncwire listen`: answer devices that call home."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

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
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console, printable, write_document
from ncwire.errors import NcwireError

if TYPE_CHECKING:
    import argparse

    from ncwire.callhome import CallHomeSession, Listener, Refusal

_EXAMPLE = """\
example:
  ncwire listen --device admin@r1 --device admin@r2 --known-hosts devices --rpc get.xml

  where the file `devices` has the devices' public host keys, a line for each key:
    r1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5...
    r2 ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlz...
  When a call is refused for its key, the line that would let it in is shown.
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
            "any name or password is sent. For each call a line is printed: device, address,\n"
            "session-id and the number of capabilities; then the reply, if there is an rpc; then\n"
            "the session is closed. Ctrl-C ends it."
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
        help="a device that may call, by its name in the known_hosts files; may be repeated",
    )
    group = parser.add_argument_group("listening")
    group.add_argument("--address", metavar="ADDRESS", help="default: all, IPv6 and IPv4")
    group.add_argument(
        "-p",
        "--port",
        metavar="PORT",
        type=values.port_or_any,
        default=callhome.PORT,
        help=f"default: {callhome.PORT}; 0 takes any that is free",
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
    devices = [
        _device(destination, arguments, password, passphrase) for destination in arguments.devices
    ]
    with callhome.listen(
        devices,
        address=arguments.address,
        port=arguments.port,
        driver=arguments.driver,
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


def _device(
    destination: str, arguments: argparse.Namespace, password: str | None, passphrase: str | None
) -> callhome.Device:
    user, _, name = destination.rpartition("@")
    return callhome.Device(
        name=name,
        known_hosts=arguments.known_hosts or None,
        username=user or arguments.user,
        password=password,
        passphrase=passphrase,
        key_filename=arguments.identity or None,
    )


def _tell_refused(refusal: Refusal) -> None:
    name = "" if refusal.device is None else f" of {refusal.device}"
    failures.tell(refusal.error, f"call{name} from {refusal.peer} refused: ")


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
