"""NETCONF over pluggable SSH backends.

`ncwire.connect` opens a session, `ncwire.callhome.listen` waits for devices that do;
`SSHSession` and `Session` are what a session is made of.
"""

from typing import TYPE_CHECKING

from ncwire.capabilities import Capabilities
from ncwire.driver import Algorithms, Timeouts
from ncwire.errors import (
    AuthenticationError,
    DriverError,
    NcwireError,
    NetconfFramingError,
    NoCommonAlgorithmError,
    SessionCloseError,
    SessionError,
    SSHError,
    SSHUnknownHostError,
    TransportError,
    UnsupportedOption,
)
from ncwire.framing import Limits
from ncwire.hub import Hub
from ncwire.listeners import SessionListener
from ncwire.notifications import Notification, NotificationReader
from ncwire.rpc import Reply
from ncwire.session import Session
from ncwire.ssh.algorithm_policy import AlgorithmPolicy
from ncwire.ssh.parameters import Jump
from ncwire.ssh.session import SSHSession, connect, default_unknown_host_cb
from ncwire.streamed import ReplyStream, StreamedReply

if TYPE_CHECKING:
    from ncwire import callhome, profiles
    from ncwire.inventory import Inventory
    from ncwire.profiles import DeviceProfile
else:

    def __getattr__(name):
        """Import what few programs need when it is first asked for."""
        import importlib  # noqa: PLC0415 - no name of this module's

        if name in ("callhome", "profiles"):
            return importlib.import_module(f"ncwire.{name}")
        if name == "DeviceProfile":
            return importlib.import_module("ncwire.profiles").DeviceProfile
        if name == "Inventory":
            return importlib.import_module("ncwire.inventory").Inventory
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "AlgorithmPolicy",
    "Algorithms",
    "AuthenticationError",
    "Capabilities",
    "DeviceProfile",
    "DriverError",
    "Hub",
    "Inventory",
    "Jump",
    "Limits",
    "NcwireError",
    "NetconfFramingError",
    "NoCommonAlgorithmError",
    "Notification",
    "NotificationReader",
    "Reply",
    "ReplyStream",
    "SSHError",
    "SSHSession",
    "SSHUnknownHostError",
    "Session",
    "SessionCloseError",
    "SessionError",
    "SessionListener",
    "StreamedReply",
    "Timeouts",
    "TransportError",
    "UnsupportedOption",
    "callhome",
    "connect",
    "default_unknown_host_cb",
    "profiles",
]
