"""NETCONF over pluggable SSH backends.

`ncwire.connect` opens a session, `ncwire.callhome.listen` waits for devices that do;
`SSHSession` and `Session` are what a session is made of.
"""

from typing import TYPE_CHECKING

from ncwire.capabilities import Capabilities
from ncwire.driver import Timeouts
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
from ncwire.late import late
from ncwire.listeners import SessionListener
from ncwire.notifications import Notification, NotificationReader
from ncwire.rpc import Reply
from ncwire.session import Session
from ncwire.ssh.session import SSHSession, connect, default_unknown_host_cb
from ncwire.streamed import ReplyStream, StreamedReply

if TYPE_CHECKING:
    from ncwire import callhome, profiles
    from ncwire.driver import Algorithms
    from ncwire.inventory import Inventory
    from ncwire.profiles import DeviceProfile
    from ncwire.ssh.algorithm_policy import AlgorithmPolicy
    from ncwire.ssh.parameters import Jump
else:
    __getattr__, __dir__ = late(
        __name__,
        {
            "AlgorithmPolicy": "ncwire.ssh.algorithm_policy",
            "Algorithms": "ncwire.driver",
            "DeviceProfile": "ncwire.profiles",
            "Inventory": "ncwire.inventory",
            "Jump": "ncwire.ssh.parameters",
            "callhome": "ncwire.callhome",
            "profiles": "ncwire.profiles",
        },
    )

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
