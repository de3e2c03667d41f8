"""Servers and channels to test NETCONF clients with."""

from ncwire.testing.certificates import Certificate, CertificateAuthority, Validity, self_signed
from ncwire.testing.fault_proxy import FaultProxy
from ncwire.testing.process import ServerProcess, TLSServerProcess, UnixServerProcess
from ncwire.testing.replay import Expectation, Replay, ReplayError
from ncwire.testing.server import EmbeddedServer
from ncwire.testing.socket_stream import SocketStream
from ncwire.testing.stream import ChannelStream, SessionInfo
from ncwire.testing.tls_server import EmbeddedTLSServer
from ncwire.testing.tls_stream import TLSStream
from ncwire.testing.unix_server import EmbeddedUnixServer

__all__ = [
    "Certificate",
    "CertificateAuthority",
    "ChannelStream",
    "EmbeddedServer",
    "EmbeddedTLSServer",
    "EmbeddedUnixServer",
    "Expectation",
    "FaultProxy",
    "Replay",
    "ReplayError",
    "ServerProcess",
    "SessionInfo",
    "SocketStream",
    "TLSServerProcess",
    "TLSStream",
    "UnixServerProcess",
    "Validity",
    "self_signed",
]
