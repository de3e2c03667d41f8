"""What a session does, told as it happens: steps, messages, rpcs, keepalives and the end.

Make a subclass of `Observer`, and give it to a session (`observers=` of `ncwire.connect`), to a
`DeviceProfile`, or to all sessions that connect from then on (`add`). `TraceWriter` is one that
writes a file, which `read_trace` reads; the logger `ncwire.messages` shows messages at DEBUG. A
session without observers when it connects pays nothing.
"""

from typing import TYPE_CHECKING

from ncwire.driver.lazy import late

if TYPE_CHECKING:
    from ncwire.observe.events import (
        ConnectEnd,
        ConnectStep,
        KeepaliveSent,
        Message,
        RPCBegun,
        RPCEnd,
        SessionEnd,
        SessionFacts,
    )
    from ncwire.observe.masks import Masks
    from ncwire.observe.observer import Observer
    from ncwire.observe.registry import add, remove
    from ncwire.observe.trace_reader import Trace, TraceEvent, read_trace
    from ncwire.observe.trace_writer import TraceWriter
else:
    __getattr__, __dir__ = late(
        __name__,
        {
            "ConnectEnd": "ncwire.observe.events",
            "ConnectStep": "ncwire.observe.events",
            "KeepaliveSent": "ncwire.observe.events",
            "Masks": "ncwire.observe.masks",
            "Message": "ncwire.observe.events",
            "Observer": "ncwire.observe.observer",
            "RPCBegun": "ncwire.observe.events",
            "RPCEnd": "ncwire.observe.events",
            "SessionEnd": "ncwire.observe.events",
            "SessionFacts": "ncwire.observe.events",
            "Trace": "ncwire.observe.trace_reader",
            "TraceEvent": "ncwire.observe.trace_reader",
            "TraceWriter": "ncwire.observe.trace_writer",
            "add": "ncwire.observe.registry",
            "read_trace": "ncwire.observe.trace_reader",
            "remove": "ncwire.observe.registry",
        },
    )

__all__ = [
    "ConnectEnd",
    "ConnectStep",
    "KeepaliveSent",
    "Masks",
    "Message",
    "Observer",
    "RPCBegun",
    "RPCEnd",
    "SessionEnd",
    "SessionFacts",
    "Trace",
    "TraceEvent",
    "TraceWriter",
    "add",
    "read_trace",
    "remove",
]
