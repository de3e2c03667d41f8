"""NETCONF over pluggable backends: SSH, TLS, Unix sockets.

`ncwire.connect` opens a session, `ncwire.callhome.listen` waits for devices that do;
`SSHSession`, `TLSSession`, `UnixSocketSession` and `Session` are what a session is made of.
Every error is here as well as in `ncwire.errors`; `__version__` is the installed version.
"""

from typing import TYPE_CHECKING

from ncwire._protocol.capabilities import Capabilities
from ncwire._protocol.framing import Limits
from ncwire._session.base import Session
from ncwire._session.hub import Hub
from ncwire._session.listeners import SessionListener
from ncwire._session.notifications import Notification, NotificationReader
from ncwire._session.reply import Reply
from ncwire._session.streaming import ReplyStream, StreamedReply
from ncwire._transports.connect import connect
from ncwire._transports.session import DriverSession
from ncwire._transports.ssh import SSHSession, default_unknown_host_cb
from ncwire._transports.tls import TLSSession
from ncwire._transports.unix import UnixSocketSession
from ncwire.driver import Timeouts
from ncwire.driver.lazy import late
from ncwire.errors import (
    AuthenticationError,
    BrokenMessageError,
    CertificateError,
    ChannelError,
    ClientCertificateError,
    ConnectError,
    ContractMismatch,
    DisconnectError,
    DriverError,
    DriverImportError,
    DriverNotFoundError,
    DriverUnavailable,
    ErrorElement,
    ForbiddenXMLError,
    HandshakeError,
    HelloError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    HelloTimeoutError,
    InvalidDriverError,
    InventoryError,
    KeyFileError,
    KnownHostsFileError,
    ListenError,
    MessageDecodeError,
    MessageError,
    MessageSizeError,
    NcwireError,
    NetconfFramingError,
    NoCommonAlgorithmError,
    NoCommonBaseError,
    NoSessionError,
    OptionError,
    PasswordExpiredError,
    PeerUserError,
    ProfileError,
    ProfileNotFoundError,
    RPCError,
    RPCTimeoutError,
    SecretError,
    SendQueueFullError,
    SessionCloseError,
    SessionError,
    SSHError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
    StepTimeoutError,
    TLSError,
    TLSHandshakeError,
    TraceError,
    TransportError,
    UnknownCertificateError,
    UnknownDeviceError,
    UnsendableMessageError,
    UnsupportedOption,
)

if TYPE_CHECKING:
    from ncwire import aio, callhome, profiles
    from ncwire._algorithms.policy import AlgorithmPolicy
    from ncwire._ssh.options.parameters import ConnectParameters, Jump
    from ncwire._version import __version__ as __version__
    from ncwire.driver import Algorithms
    from ncwire.inventory import Inventory
    from ncwire.persistent import Persistent
    from ncwire.profiles import DeviceProfile
else:
    __getattr__, __dir__ = late(
        __name__,
        {
            "AlgorithmPolicy": "ncwire._algorithms.policy",
            "Algorithms": "ncwire.driver",
            "ConnectParameters": "ncwire._ssh.options.parameters",
            "DeviceProfile": "ncwire.profiles",
            "Inventory": "ncwire.inventory",
            "Jump": "ncwire._ssh.options.parameters",
            "Persistent": "ncwire.persistent",
            "__version__": "ncwire._version",
            "aio": "ncwire.aio",
            "callhome": "ncwire.callhome",
            "profiles": "ncwire.profiles",
        },
    )

__all__ = [
    "AlgorithmPolicy",
    "Algorithms",
    "AuthenticationError",
    "BrokenMessageError",
    "Capabilities",
    "CertificateError",
    "ChannelError",
    "ClientCertificateError",
    "ConnectError",
    "ConnectParameters",
    "ContractMismatch",
    "DeviceProfile",
    "DisconnectError",
    "DriverError",
    "DriverImportError",
    "DriverNotFoundError",
    "DriverSession",
    "DriverUnavailable",
    "ErrorElement",
    "ForbiddenXMLError",
    "HandshakeError",
    "HelloError",
    "HelloMalformedError",
    "HelloMissingError",
    "HelloSessionIdError",
    "HelloTimeoutError",
    "Hub",
    "InvalidDriverError",
    "Inventory",
    "InventoryError",
    "Jump",
    "KeyFileError",
    "KnownHostsFileError",
    "Limits",
    "ListenError",
    "MessageDecodeError",
    "MessageError",
    "MessageSizeError",
    "NcwireError",
    "NetconfFramingError",
    "NoCommonAlgorithmError",
    "NoCommonBaseError",
    "NoSessionError",
    "Notification",
    "NotificationReader",
    "OptionError",
    "PasswordExpiredError",
    "PeerUserError",
    "Persistent",
    "ProfileError",
    "ProfileNotFoundError",
    "RPCError",
    "RPCTimeoutError",
    "Reply",
    "ReplyStream",
    "SSHError",
    "SSHHostKeyChangedError",
    "SSHHostKeyMismatchError",
    "SSHHostKeyRevokedError",
    "SSHSession",
    "SSHUnknownHostError",
    "SecretError",
    "SendQueueFullError",
    "Session",
    "SessionCloseError",
    "SessionError",
    "SessionListener",
    "StepTimeoutError",
    "StreamedReply",
    "TLSError",
    "TLSHandshakeError",
    "TLSSession",
    "Timeouts",
    "TraceError",
    "TransportError",
    "UnixSocketSession",
    "UnknownCertificateError",
    "UnknownDeviceError",
    "UnsendableMessageError",
    "UnsupportedOption",
    "aio",
    "callhome",
    "connect",
    "default_unknown_host_cb",
    "profiles",
]
