"""The paramiko driver, to be broken in one step or in its channel."""

from __future__ import annotations

from ncwire.driver import Channel, Deadline
from ncwire_paramiko import ParamikoDriver


class Around(Channel):
    """Another channel, but for what a subclass does otherwise."""

    def __init__(self, inner):
        self.inner = inner
        self.info = inner.info
        self.native = inner.native

    def fileno(self):
        return self.inner.fileno()

    def wants(self):
        return self.inner.wants()

    def read(self, size):
        return self.inner.read(size)

    def write(self, data):
        return self.inner.write(data)

    def tick(self, now):
        self.inner.tick(now)

    def heard(self):
        return self.inner.heard()

    def keepalive(self):
        self.inner.keepalive()

    def on_ready(self, wake):
        self.inner.on_ready(wake)

    def finish(self):
        return self.inner.finish()

    def last_words(self):
        return self.inner.last_words()

    def close(self):
        self.inner.close()

    def abort(self):
        self.inner.abort()


class Broken(ParamikoDriver):
    contract = (1, 0)
    Channel = staticmethod(lambda channel: channel)
    channel_is_sound = True
    """Whether the channel is paramiko's, with nothing of ours."""

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.channel_is_sound = cls.channel_is_sound and not {"Channel"} & vars(cls).keys()

    def open_channel(self, request, environment, deadline):
        return self.Channel(super().open_channel(request, environment, deadline))


def untimed(step):
    def run(self, *arguments):
        *others, _ = arguments
        return getattr(ParamikoDriver, step)(self, *others, Deadline.after(3600, step))

    return run
