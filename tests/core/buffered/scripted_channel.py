"""A library of the test's own, and a channel over it."""

from __future__ import annotations

import select
from pathlib import Path

from interrupting import folder_of
from ncwire.driver import BufferedChannel, ChannelInfo, Intake

PATIENCE = 20
DRIVER = folder_of("ncwire.driver")
INFO = ChannelInfo("scripted", "1.0")


class Library:
    """What a channel asks of its library, in order; the intake is all that it keeps."""

    def __init__(self):
        self.asked = []
        self.sent = b""
        self.intake = Intake()

    def free(self):
        self.asked.append("free")


class Scripted(BufferedChannel):
    def __init__(self, library, **limits):
        self.library = library
        super().__init__(library.intake, INFO, library, library.free, **limits)

    def send(self, data):
        self.library.sent += data

    def pause(self):
        self.library.asked.append("pause")

    def resume(self):
        self.library.asked.append("resume")

    def say_end(self):
        self.library.asked.append("end")

    def say_close(self):
        self.library.asked.append("close")

    def leave(self):
        self.library.asked.append("leave")


def is_readable(channel):
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))
