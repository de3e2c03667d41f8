"""Every error that ncwire raises; `NcwireError` is the root of all.

The names, arguments and bases of `TransportError`, `SessionError`, `SSHError`,
`AuthenticationError`, `SessionCloseError`, `SSHUnknownHostError` and `NetconfFramingError` are
those of the documented NETCONF transport API.
"""

from ncwire.errors.base import (
    NcwireError,
    OptionError,
)
from ncwire.errors.configuration import (
    InventoryError,
    ProfileError,
    ProfileNotFoundError,
    SecretError,
)
from ncwire.errors.drivers import (
    ContractMismatch,
    DriverError,
    DriverImportError,
    DriverNotFoundError,
    DriverUnavailable,
    InvalidDriverError,
    UnsupportedOption,
)
from ncwire.errors.host_keys import (
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
    UnknownDeviceError,
)
from ncwire.errors.session import (
    BrokenMessageError,
    ForbiddenXMLError,
    HelloError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    HelloTimeoutError,
    MessageDecodeError,
    MessageError,
    NoCommonBaseError,
    RPCTimeoutError,
    SendQueueFullError,
    SessionError,
)
from ncwire.errors.ssh import (
    ChannelError,
    ConnectError,
    HandshakeError,
    KeyFileError,
    KnownHostsFileError,
    NoCommonAlgorithmError,
    SSHError,
)
from ncwire.errors.transport import (
    AuthenticationError,
    ListenError,
    MessageSizeError,
    NetconfFramingError,
    PasswordExpiredError,
    SessionCloseError,
    StepTimeoutError,
    TransportError,
    UnsendableMessageError,
)

__all__ = [
    "AuthenticationError",
    "BrokenMessageError",
    "ChannelError",
    "ConnectError",
    "ContractMismatch",
    "DriverError",
    "DriverImportError",
    "DriverNotFoundError",
    "DriverUnavailable",
    "ForbiddenXMLError",
    "HandshakeError",
    "HelloError",
    "HelloMalformedError",
    "HelloMissingError",
    "HelloSessionIdError",
    "HelloTimeoutError",
    "InvalidDriverError",
    "InventoryError",
    "KeyFileError",
    "KnownHostsFileError",
    "ListenError",
    "MessageDecodeError",
    "MessageError",
    "MessageSizeError",
    "NcwireError",
    "NetconfFramingError",
    "NoCommonAlgorithmError",
    "NoCommonBaseError",
    "OptionError",
    "PasswordExpiredError",
    "ProfileError",
    "ProfileNotFoundError",
    "RPCTimeoutError",
    "SSHError",
    "SSHHostKeyChangedError",
    "SSHHostKeyMismatchError",
    "SSHHostKeyRevokedError",
    "SSHUnknownHostError",
    "SecretError",
    "SendQueueFullError",
    "SessionCloseError",
    "SessionError",
    "StepTimeoutError",
    "TransportError",
    "UnknownDeviceError",
    "UnsendableMessageError",
    "UnsupportedOption",
]
