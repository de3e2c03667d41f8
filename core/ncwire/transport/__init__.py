"""The documented transport API under the names that people who move over import it by.

Where a program imports from `ncclient.transport`, or from its `errors`, `session`, `ssh`, `tls`
and `unixSocket`, `ncwire` in its place is all that changes in the line.

Left out is what has no meaning here. `LibSSHSession`: the backend is chosen by
`SSHSession(driver=...)`. `parser` and `third_party`: replies are framed and never parsed by the
transport. `notify`, `NotificationHandler` and `HelloHandler`: notifications come out of
`Session.notifications`, and the hello's content is in `Session.id` and `server_capabilities`. What
only the insides used, such as `BUF_SIZE`, `TICK` and the default timeouts.
"""

from ncwire._protocol.capabilities import Capabilities
from ncwire.transport.errors import (
    AuthenticationError,
    NetconfFramingError,
    PermissionError,  # noqa: A004 - the documented name
    SessionCloseError,
    SessionError,
    SSHError,
    SSHUnknownHostError,
    TLSError,
    TransportError,
    UnixSocketError,
)
from ncwire.transport.session import NetconfBase, Session, SessionListener
from ncwire.transport.ssh import SSHSession, default_unknown_host_cb
from ncwire.transport.tls import TLSSession
from ncwire.transport.unixSocket import UnixSocketSession

__all__ = [
    "AuthenticationError",
    "Capabilities",
    "NetconfBase",
    "NetconfFramingError",
    "PermissionError",
    "SSHError",
    "SSHSession",
    "SSHUnknownHostError",
    "Session",
    "SessionCloseError",
    "SessionError",
    "SessionListener",
    "TLSError",
    "TLSSession",
    "TransportError",
    "UnixSocketError",
    "UnixSocketSession",
    "default_unknown_host_cb",
]
