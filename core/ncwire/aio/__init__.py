"""NETCONF by `await`: `ncwire.aio.connect`, `ncwire.aio.Persistent`, `ncwire.aio.callhome.listen`.

Everything else, such as errors, `Limits`, `Timeouts`, `Reply` and `SessionListener`, is ncwire's.
"""

from ncwire.aio import callhome
from ncwire.aio.connecting import connect
from ncwire.aio.notifications import NotificationReader
from ncwire.aio.opening import Opening
from ncwire.aio.persistent import Persistent
from ncwire.aio.pool import limit_connecting
from ncwire.aio.session import Session
from ncwire.aio.stream_of_sessions import NotificationStream
from ncwire.aio.streaming import ReplyStream, StreamOpening

__all__ = [
    "NotificationReader",
    "NotificationStream",
    "Opening",
    "Persistent",
    "ReplyStream",
    "Session",
    "StreamOpening",
    "callhome",
    "connect",
    "limit_connecting",
]
