"""Sessions over SSH, as `ncclient.transport.ssh` has them."""

from ncwire._protocol.capabilities import Capabilities
from ncwire._transports.ssh import SSHSession, default_unknown_host_cb
from ncwire.transport.errors import (
    AuthenticationError,
    NetconfFramingError,
    SessionCloseError,
    SSHError,
    SSHUnknownHostError,
)
from ncwire.transport.session import END_DELIM, MSG_DELIM, NetconfBase, Session

__all__ = [
    "END_DELIM",
    "MSG_DELIM",
    "PORT_NETCONF_DEFAULT",
    "AuthenticationError",
    "Capabilities",
    "NetconfBase",
    "NetconfFramingError",
    "SSHError",
    "SSHSession",
    "SSHUnknownHostError",
    "Session",
    "SessionCloseError",
    "default_unknown_host_cb",
]

PORT_NETCONF_DEFAULT = 830
"""The port of NETCONF over SSH (RFC 6242 section 7)."""
