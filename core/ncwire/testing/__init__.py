"""Servers and channels to test NETCONF clients with."""

from ncwire.testing.fault_proxy import FaultProxy
from ncwire.testing.process import ServerProcess
from ncwire.testing.server import EmbeddedServer
from ncwire.testing.stream import ChannelStream, SessionInfo

__all__ = ["ChannelStream", "EmbeddedServer", "FaultProxy", "ServerProcess", "SessionInfo"]
