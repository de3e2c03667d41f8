"""The errors, as `ncclient.transport.errors` has them."""

from ncwire.errors import (
    AuthenticationError,
    ConnectError,
    NetconfFramingError,
    SessionCloseError,
    SessionError,
    SSHError,
    SSHUnknownHostError,
    TLSError,
    TransportError,
)

__all__ = [
    "AuthenticationError",
    "NetconfFramingError",
    "PermissionError",
    "SSHError",
    "SSHUnknownHostError",
    "SessionCloseError",
    "SessionError",
    "TLSError",
    "TransportError",
    "UnixSocketError",
]


class PermissionError(TransportError):  # noqa: A001 - the documented name
    """Never raised: for `except` clauses that name it.

    ncclient raises it where it runs a Junos program on the device itself, which ncwire does not.
    """


UnixSocketError = ConnectError
"""What is raised where a Unix socket cannot be connected; it has the server's path and reason."""
