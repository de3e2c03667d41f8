"""`ncwire rpc [HOST]`: send one rpc, print the reply, and notifications if they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._cli import connection_options, documents, failures, output_file, values
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import write_document
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import argparse

    from ncwire._session.base import Session
    from ncwire._session.notifications import NotificationReader

_DATASTORES = ("running", "candidate", "startup")


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "rpc",
        help="send an rpc and print the reply",
        description=(
            "Send one rpc and print the reply: laid out on a terminal, exactly as it came into "
            "a pipe or a file."
        ),
        usage="ncwire rpc [OPTION ...] [HOST] (FILE | - | --get-config SOURCE | --get)",
    )
    connection_options.add_with_optional_host_to(parser)
    group = parser.add_argument_group("operation")
    # No `nargs="?"`, for argparse would take it for left out where an option follows HOST.
    file = group.add_argument(
        "file",
        metavar="FILE",
        help="the element inside <rpc>, or a whole <rpc> with a message-id; - is stdin",
    )
    file.required = False
    operation = group.add_mutually_exclusive_group()
    operation.add_argument(
        "--get-config",
        metavar="SOURCE",
        choices=_DATASTORES,
        help="the configuration: " + ", ".join(_DATASTORES),
    )
    operation.add_argument(
        "--get", action="store_true", help="the running configuration, and state"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=values.seconds, help="for the reply; default: 30"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the reply to this file as it comes, in constant memory; it gets the name when "
        "it is complete",
    )
    parser.add_argument(
        "-n",
        "--notifications",
        metavar="N",
        type=values.count,
        help="after the reply, print N notifications; 0: all, until interrupted",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Send the rpc and print what comes."""
    _settle_host(arguments)
    operation = _operation(arguments)  # what cannot be sent is told before anything is connected
    # The reader comes before the rpc, which may be the subscription, so that it misses none.
    with (
        connection_options.connect(arguments) as session,
        session.notifications() as notifications,
    ):
        if _is_error(session, operation, arguments):
            return Exit.RPC_ERROR
        if arguments.notifications is not None:
            _print(notifications, arguments.notifications)
    return Exit.OK


def _is_error(session: Session, operation: str | bytes, arguments: argparse.Namespace) -> bool:
    if arguments.output is not None:
        return output_file.save(session, operation, arguments.timeout, arguments.output)
    reply = session.rpc(operation, arguments.timeout)
    write_document(reply.raw)
    return documents.has_rpc_error(reply.raw)


def _settle_host(arguments: argparse.Namespace) -> None:
    """Have the one argument be FILE where the driver connects to no host."""
    if _is_named(arguments) or arguments.file is not None:
        return
    if arguments.host is not None and connection_options.connects_to_no_host(arguments):
        arguments.host, arguments.file = None, arguments.host
        return
    raise OptionError("FILE", "needed, or --get, or --get-config SOURCE; - is stdin")


def _is_named(arguments: argparse.Namespace) -> bool:
    return bool(arguments.get) or arguments.get_config is not None


def _operation(arguments: argparse.Namespace) -> str | bytes:
    if _is_named(arguments) and arguments.file is not None:
        raise OptionError("FILE", "not together with --get or --get-config")
    if arguments.get:
        return "<get/>"
    if arguments.get_config is not None:
        return f"<get-config><source><{arguments.get_config}/></source></get-config>"
    return documents.operation(arguments.file)


def _print(notifications: NotificationReader, number: int) -> None:
    try:
        for count, notification in enumerate(notifications, start=1):
            write_document(notification.raw)
            if count == number:
                return
    finally:
        if notifications.undecodable:
            failures.warn(f"{notifications.undecodable} notifications were not UTF-8")
        if notifications.dropped:
            failures.warn(f"{notifications.dropped} notifications came too fast, and were dropped")
