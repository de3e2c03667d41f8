"""Servers and channels to test NETCONF clients with."""

from ncwire.testing.process import ServerProcess
from ncwire.testing.server import EmbeddedServer
from ncwire.testing.stream import ChannelStream, SessionInfo

__all__ = ["ChannelStream", "EmbeddedServer", "ServerProcess", "SessionInfo"]
