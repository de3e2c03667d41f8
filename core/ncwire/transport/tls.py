"""Sessions over TLS, as `ncclient.transport.tls` has them."""

from ncwire._protocol.capabilities import Capabilities
from ncwire._transports.tls import TLSSession
from ncwire.transport.errors import TLSError
from ncwire.transport.session import Session

__all__ = ["DEFAULT_TLS_NETCONF_PORT", "Capabilities", "Session", "TLSError", "TLSSession"]

DEFAULT_TLS_NETCONF_PORT = 6513
"""The port of NETCONF over TLS (RFC 7589 section 5)."""
