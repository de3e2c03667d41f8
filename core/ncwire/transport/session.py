"""Sessions and listeners, as `ncclient.transport.session` has them."""

import enum

from ncwire._protocol.capabilities import Capabilities
from ncwire._session.base import Session
from ncwire._session.listeners import SessionListener
from ncwire.transport.errors import SessionCloseError, SessionError, TransportError

__all__ = [
    "END_DELIM",
    "MSG_DELIM",
    "Capabilities",
    "NetconfBase",
    "Session",
    "SessionCloseError",
    "SessionError",
    "SessionListener",
    "TransportError",
]

MSG_DELIM = b"]]>]]>"
"""What ends a message under end-of-message framing (RFC 6242 section 4.3)."""
END_DELIM = b"\n##\n"
"""What ends a message under chunked framing (RFC 6242 section 4.2)."""


class NetconfBase(enum.IntEnum):
    """The versions of NETCONF: base:1.0 (RFC 4741) and base:1.1 (RFC 6241)."""

    BASE_10 = 1
    BASE_11 = 2
