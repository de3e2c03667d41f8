"""An observer that notes all that it hears."""

from __future__ import annotations

import threading

from ncwire.observe import Observer
from waiting import eventually


class Noting(Observer):
    """`heard` are the events, each with the name of its method before it."""

    def __init__(self) -> None:
        self.heard = []
        self.has_ended = threading.Event()

    def of(self, name):
        return [event for method, event in self.heard if method == name]

    def wait_for(self, name, number=1):
        eventually(lambda: len(self.of(name)) >= number)

    def names(self):
        return [method for method, _ in self.heard]

    def connect_begun(self, session):
        self.heard.append(("connect_begun", session))

    def connect_step(self, step):
        self.heard.append(("connect_step", step))

    def connect_ended(self, end):
        self.heard.append(("connect_ended", end))

    def message_sent(self, message):
        self.heard.append(("message_sent", message))

    def message_received(self, message):
        self.heard.append(("message_received", message))

    def rpc_begun(self, rpc):
        self.heard.append(("rpc_begun", rpc))

    def rpc_ended(self, rpc):
        self.heard.append(("rpc_ended", rpc))

    def keepalive_sent(self, keepalive):
        self.heard.append(("keepalive_sent", keepalive))

    def ended(self, end):
        self.heard.append(("ended", end))
        self.has_ended.set()
