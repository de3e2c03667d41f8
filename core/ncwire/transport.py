"""The documented transport API under the name that people who move over import it by."""

from ncwire.capabilities import Capabilities
from ncwire.errors import (
    AuthenticationError,
    NetconfFramingError,
    SessionCloseError,
    SessionError,
    SSHError,
    SSHUnknownHostError,
    TransportError,
)
from ncwire.listeners import SessionListener
from ncwire.session import Session
from ncwire.ssh.session import SSHSession, default_unknown_host_cb

__all__ = [
    "AuthenticationError",
    "Capabilities",
    "NetconfFramingError",
    "SSHError",
    "SSHSession",
    "SSHUnknownHostError",
    "Session",
    "SessionCloseError",
    "SessionError",
    "SessionListener",
    "TransportError",
    "default_unknown_host_cb",
]
