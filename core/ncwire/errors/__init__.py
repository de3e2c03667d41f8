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
from ncwire.errors.persistent import NoSessionError
from ncwire.errors.rpc import ErrorElement, RPCError
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
    DisconnectError,
    HandshakeError,
    KeyFileError,
    KnownHostsFileError,
    NoCommonAlgorithmError,
    SSHError,
)
from ncwire.errors.tls import (
    CertificateError,
    ClientCertificateError,
    TLSError,
    TLSHandshakeError,
    UnknownCertificateError,
)
from ncwire.errors.transport import (
    AuthenticationError,
    ListenError,
    MessageSizeError,
    NetconfFramingError,
    PasswordExpiredError,
    PeerUserError,
    SessionCloseError,
    StepTimeoutError,
    TransportError,
    UnsendableMessageError,
)

__all__ = [
    "AuthenticationError",
    "BrokenMessageError",
    "CertificateError",
    "ChannelError",
    "ClientCertificateError",
    "ConnectError",
    "ContractMismatch",
    "DisconnectError",
    "DriverError",
    "DriverImportError",
    "DriverNotFoundError",
    "DriverUnavailable",
    "ErrorElement",
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
    "NoSessionError",
    "OptionError",
    "PasswordExpiredError",
    "PeerUserError",
    "ProfileError",
    "ProfileNotFoundError",
    "RPCError",
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
    "TLSError",
    "TLSHandshakeError",
    "TransportError",
    "UnknownCertificateError",
    "UnknownDeviceError",
    "UnsendableMessageError",
    "UnsupportedOption",
]
