"""`SocketDriver`: the contract for transports other than SSH that run over a connected socket."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver.base import Backend
from ncwire.driver.features import Feature

if TYPE_CHECKING:
    import socket

    from ncwire.driver.channel import Channel
    from ncwire.driver.deadline import Deadline
    from ncwire.driver.options import ConnectOptions


class SocketDriver(Backend):
    """A backend that makes a channel of a connected stream socket, which the core opens.

    The core resolves the host, tries its addresses and connects, or takes the caller's socket, or
    that of a proxy's command; it bounds that in time, and `abort` ends it. A driver says by its
    `transport` which protocol it speaks over the socket.
    """

    CORE_FEATURES: ClassVar[frozenset[Feature]] = frozenset(
        {
            Feature.SOCKET,
            Feature.BIND_ADDRESS,
            Feature.ADDRESS_FAMILY,
            Feature.PROXY_COMMAND,
        }
    )
    """What every such driver has because the core does it: part of each `features`."""

    def prepare(self, options: ConnectOptions) -> None:
        """Read the files that the options name, and refuse what cannot be used.

        Called once, before the host's name is resolved: nothing has been sent when it raises.
        Raises `OptionError`, `UnsupportedOption`. The default does nothing.
        """

    @abstractmethod
    def open(self, sock: socket.socket, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Shake hands over a connected stream socket, and return an open channel.

        `sock` blocks and has no timeout of its own. From here on it is the driver's, which closes
        it in `abort` and in the channel's `close`, also when this fails. May block, but never past
        the deadline: `StepTimeoutError` then. Every other failure is a `TransportError`.
        Meanwhile `abort` may come from another thread, and the socket is shut down then, too.
        Whatever this raises, the core calls `abort` next.
        """
