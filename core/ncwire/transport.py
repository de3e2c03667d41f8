"""The documented transport API under the name that people who move over import it by."""

from ncwire._protocol.capabilities import Capabilities
from ncwire._session.base import Session
from ncwire._session.listeners import SessionListener
from ncwire._transports.ssh import SSHSession, default_unknown_host_cb
from ncwire._transports.tls import TLSSession
from ncwire._transports.unix import UnixSocketSession
from ncwire.errors import (
    AuthenticationError,
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
    "Capabilities",
    "NetconfFramingError",
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
    "UnixSocketSession",
    "default_unknown_host_cb",
]
