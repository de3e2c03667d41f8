"""What has connected is gone with its last reference: it has the login, and the driver."""

from __future__ import annotations

import gc
import socket
import weakref

import pytest

from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, Feature, SocketDriver
from ncwire.testing.memory import MemoryChannel, MemoryDriver


class Plain(SocketDriver):
    """TCP in the clear, as a stranger's protocol."""

    name = "plain"
    contract = (1, 0)
    transport = "plain"
    default_port = 9999
    features = SocketDriver.CORE_FEATURES | {Feature.FINISH}

    @classmethod
    def library(cls):
        return "plain"

    def prepare(self, options):
        pass

    def open(self, sock, options, deadline):
        return MemoryChannel(sock)

    def abort(self):
        pass


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("driver", [MemoryDriver, Plain])
def test_without_a_garbage_collection(driver):
    ours, theirs = socket.socketpair()
    options = ConnectOptions(host=None, username="", sock=ours)
    made = connecting(driver(), options, Deadline.after(20, "connect"))
    channel, gone = made.run(), weakref.ref(made)
    del made
    assert gone() is None
    channel.abort()
    theirs.close()
