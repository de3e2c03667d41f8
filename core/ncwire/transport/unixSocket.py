"""Sessions over Unix sockets, as `ncclient.transport.unixSocket` has them."""  # noqa: N999

from ncwire._protocol.capabilities import Capabilities
from ncwire._transports.unix import UnixSocketSession
from ncwire.transport.errors import UnixSocketError
from ncwire.transport.session import Session

__all__ = ["Capabilities", "Session", "UnixSocketError", "UnixSocketSession"]
