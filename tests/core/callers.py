"""What callers and the peer say to each other, and who hears it."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from ncwire import SessionListener

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CLIENT = ["urn:ietf:params:netconf:base:1.0"]
NOTIFICATION = (
    '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">{}</notification>'
)


def asked(peer) -> str:
    """Return the message-id of the next rpc that the peer receives."""
    return re.search(r'message-id="([^"]*)"', peer.receive())[1]


class Noting(SessionListener):
    def __init__(self):
        self.messages = []
        self.threads = set()
        self.errors = []
        self.heard = threading.Semaphore(0)

    def callback(self, root, raw):
        self.messages.append(raw)
        self.threads.add(threading.current_thread())
        self.heard.release()

    def errback(self, ex):
        self.errors.append(ex)

    def wait(self, count):
        for _ in range(count):
            assert self.heard.acquire(timeout=20)


def until_polling(thread, *others):
    """Return when the thread waits in poll(2), or in one of the others, as proc(5) tells."""
    place = Path(f"/proc/self/task/{thread.native_id}/wchan")
    while not any(call in place.read_text() for call in ("poll", *others)):
        os.sched_yield()
