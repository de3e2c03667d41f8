"""How a session's stream ends: one exit status, the channel's end, its close, in this order."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import paramiko
import pytest
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_REQUEST,
    cMSG_CHANNEL_CLOSE,
)

from ncwire.testing.stream import ChannelStream, SessionInfo

ENDING = [MSG_CHANNEL_REQUEST, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]
SECONDS = 30


class SlowTransport:
    """Stands for a transport; the first message that is sent takes until `go_on`."""

    def __init__(self):
        self.sent = []
        self.sending = threading.Event()
        self.go_on = threading.Event()

    def get_log_channel(self):
        return "ncwire-test"

    def _send_user_message(self, message):
        self.sent.append(message.asbytes()[0])
        if len(self.sent) == 1:
            self.sending.set()
            assert self.go_on.wait(SECONDS)

    def _sanitize_packet_size(self, size):
        return size

    _sanitize_window_size = _sanitize_packet_size

    def _unlink_channel(self, number):
        pass


@pytest.fixture
def closing():
    transport = SlowTransport()
    channel = paramiko.Channel(0)
    channel._set_transport(transport)  # noqa: SLF001 - as paramiko does with each
    channel._set_remote_channel(7, 1 << 20, 1 << 15)  # noqa: SLF001
    channel._set_window(1 << 20, 1 << 15)  # noqa: SLF001
    stream = ChannelStream(channel, SessionInfo("u", "netconf", {}), start_thread=lambda _: None)
    thread = threading.Thread(target=stream.close)
    thread.start()
    assert transport.sending.wait(SECONDS)
    yield SimpleNamespace(transport=transport, channel=channel, stream=stream, thread=thread)
    transport.go_on.set()
    thread.join(SECONDS)


def test_two_that_close_at_the_same_time_send_one_exit_status(closing):
    closing.stream.close()
    closing.transport.go_on.set()
    closing.thread.join(SECONDS)

    assert closing.transport.sent == ENDING


def test_a_close_of_the_peers_meanwhile_is_not_answered_twice(closing):
    closed = paramiko.Message(cMSG_CHANNEL_CLOSE)
    closing.channel._handle_close(closed)  # noqa: SLF001 - as paramiko's thread does
    closing.transport.go_on.set()
    closing.thread.join(SECONDS)

    assert closing.transport.sent == ENDING
