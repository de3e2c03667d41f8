"""Those who send from other threads than the test's own."""

from __future__ import annotations

import threading

from ncwire import SessionListener
from ncwire.errors import NcwireError


def in_a_thread(call):
    """Call in a thread; return it, and a list that will have what came out."""
    out = []

    def run():
        try:
            out.append(call())
        except NcwireError as error:
            out.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, out


class Sending(SessionListener):
    """Sends from the session's thread when a message comes; notes what is raised."""

    def __init__(self, send):
        self.send = send
        self.errors = []
        self.done = threading.Event()

    def callback(self, root, raw):
        try:
            self.send()
        except NcwireError as error:
            self.errors.append(error)
        self.done.set()

    def errback(self, ex):
        pass
