"""Opening the channel, and starting on it what is asked for."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ncwire.errors import ChannelError, SSHError
from ncwire_libssh2.connection import AGAIN
from ncwire_libssh2.cstring import c_string
from ncwire_libssh2.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ncwire.driver import ChannelRequest, Deadline
    from ncwire_libssh2.connection import Connection

_ORIGINATOR = (b"127.0.0.1", 0)
"""Who connects (RFC 4254 section 7.2). Our side has no socket for it, so this stands for none."""

_IGNORE = 1
"""LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE (libssh2.h): what comes on stderr is dropped and its
room in the window given back at once."""


def open_channel(
    connection: Connection,
    request: ChannelRequest,
    environment: Mapping[str, str],
    deadline: Deadline,
) -> None:
    """Open `connection.channel` and start what is requested. Raises `ChannelError`.

    A channel on which the server has refused is closed and set aside; the next call opens
    another.
    """
    name = c_string(request.name, f"a NUL in the name of the {request.kind}")
    variables = [
        (c_string(key, "a NUL in environment"), c_string(value, "a NUL in environment"))
        for key, value in environment.items()
    ]

    def step(operation: Callable[[Any], Any], refused: str) -> None:
        try:
            connection.drive_aside(lambda: operation(connection.channel), deadline)
        except Fault as fault:
            if fault.is_refusal():
                raise ChannelError(refused) from fault.error
            raise SSHError(f"channel: {fault.describe()}") from fault.error

    step(lambda _: _open_session(connection), "the server opens no channel")
    try:
        step(lambda channel: channel.handle_extended_data2(_IGNORE), "")
        for key, value in variables:
            # RFC 4254 section 6.4 lets the server refuse.
            with suppress(ChannelError):
                step(partial(_set_variable, key, value), "")
        start = "execute" if request.kind == "exec" else "subsystem"
        step(
            lambda channel: getattr(channel, start)(name),
            f"the server refuses the {request.kind} {request.name}",
        )
    except ChannelError:
        connection.set_channel_aside()
        raise


def open_tunnel(connection: Connection, host: str, port: int, deadline: Deadline) -> None:
    """Open `connection.channel` to a host and port of the server's. Raises `ChannelError`."""
    name = c_string(host, "a NUL in the name of the host")

    def open_direct() -> int:
        channel = connection.session.direct_tcpip_ex(name, port, *_ORIGINATOR)
        if channel == AGAIN:
            return AGAIN
        connection.channel = channel
        return 0

    try:
        connection.drive_aside(open_direct, deadline)
        connection.drive_aside(lambda: connection.channel.handle_extended_data2(_IGNORE), deadline)
    except Fault as fault:
        if fault.is_refusal():
            raise ChannelError(
                f"the server refuses the tunnel: {fault.describe()}"
            ) from fault.error
        raise SSHError(f"tunnel: {fault.describe()}") from fault.error


def _set_variable(key: bytes, value: bytes, channel: Any) -> Any:
    return channel.setenv(key, value)


def _open_session(connection: Connection) -> int:
    channel = connection.session.open_session()
    if channel == AGAIN:
        return AGAIN
    connection.channel = channel
    return 0
