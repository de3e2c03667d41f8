"""What other libraries have put in place of the standard library's waiting, and what that breaks.

gevent's `select.poll` and threads are whole (26.9, tried with either driver). eventlet (0.41)
takes `select.poll` and `select.epoll` away, and where it is told not to, a thread of its own kind
never runs while another waits in them.
"""

from __future__ import annotations

import select
import sys

from ncwire.errors import TransportError

_WAY_OUT = (
    "call eventlet.monkey_patch(select=False, thread=False), and ncwire through eventlet.tpool, "
    "or use gevent, which works"
)


def check() -> None:
    """Raise `TransportError` where no driver could wait for a socket; nothing was sent then."""
    patcher = sys.modules.get("eventlet.patcher")
    is_patched = getattr(patcher, "is_monkey_patched", lambda _: False)
    if not hasattr(select, "poll"):
        culprit = "eventlet.monkey_patch() has removed" if patcher else "this platform lacks"
        advice = f": {_WAY_OUT}" if patcher else ""
        raise TransportError(f"{culprit} select.poll, by which drivers wait{advice}")
    if is_patched("thread"):
        raise TransportError(
            "eventlet.monkey_patch() has replaced threads, which would never run while a driver "
            f"waits: {_WAY_OUT}"
        )
