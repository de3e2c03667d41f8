"""The connection protocol of the driver openssh, without I/O: RFC 4254 by its messages."""

from __future__ import annotations

import struct

import pytest

from ncwire.driver import ChannelRequest
from ncwire_openssh.ssh_channel import WINDOW, ProtocolError, SSHChannel


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def message(kind: int, body: bytes) -> bytes:
    return struct.pack(">IBB", len(body) + 2, 0, kind) + body


def sent(channel: SSHChannel) -> list[tuple[int, bytes]]:
    """Take what is to be sent: the messages' numbers and bodies."""
    data, found = bytes(channel.outbox), []
    channel.outbox.clear()
    while data:
        length, _, kind = struct.unpack_from(">IBB", data)
        found.append((kind, data[6 : 4 + length]))
        data = data[4 + length :]
    return found


@pytest.fixture
def channel() -> SSHChannel:
    """An open channel, 7 at the server, which takes 100 bytes, and 60 at a time."""
    channel = SSHChannel(0)
    channel.open()
    assert sent(channel)[0] == (90, string(b"session") + struct.pack(">III", 0, WINDOW, 32768))
    channel.feed(message(91, struct.pack(">IIII", 0, 7, 100, 60)))
    assert channel.opened
    return channel


def test_variables_come_before_the_subsystem_and_want_no_reply(channel):
    channel.start(ChannelRequest("netconf"), {"LANG": "ü"})
    env, subsystem = sent(channel)
    to = struct.pack(">I", 7)
    assert env == (98, to + string(b"env") + b"\0" + string(b"LANG") + string("ü".encode()))
    assert subsystem == (98, to + string(b"subsystem") + b"\1" + string(b"netconf"))
    assert channel.started is None
    channel.feed(message(99, struct.pack(">I", 0)))
    assert channel.started is True


@pytest.mark.parametrize("kind", [100, 97], ids=["failure", "close"])
def test_a_refused_request(channel, kind):
    channel.start(ChannelRequest("netconf"), {})
    channel.feed(message(kind, struct.pack(">I", 0)))
    assert channel.started is False


def test_a_channel_that_is_not_opened_tells_why():
    channel = SSHChannel(3)
    channel.feed(message(92, struct.pack(">II", 3, 1) + string(b"no more") + string(b"")))
    assert channel.refusal == "administratively prohibited: no more"


def test_messages_of_another_channel_are_not_its_own(channel):
    channel.feed(message(94, struct.pack(">I", 9) + string(b"x")))
    assert not channel.received


def test_data_is_bounded_by_the_window_and_by_the_packet(channel):
    header, count = channel.data_header(1000)
    assert (header, count) == (struct.pack(">IBBII", 70, 0, 94, 7, 60), 60)
    assert channel.data_header(1000)[1] == 40
    assert channel.data_header(1000) == (b"", 0)
    channel.feed(message(93, struct.pack(">II", 0, 5)))
    assert channel.data_header(1000)[1] == 5


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_messages_may_come_in_pieces(channel, size):
    whole = b"".join(message(94, struct.pack(">I", 0) + string(bytes([n]) * n)) for n in range(40))
    for at in range(0, len(whole), size):
        channel.feed(whole[at : at + size])
    assert channel.take(10_000) == b"".join(bytes([n]) * n for n in range(40))


@pytest.mark.parametrize("size", [1, 13, 14, 15, 20, 1000])
def test_data_is_handed_out_before_its_message_is_whole_and_never_empty(channel, size):
    whole = message(94, struct.pack(">I", 0) + string(b"abc"))
    whole += message(94, struct.pack(">I", 9) + string(b"of another"))
    whole += message(94, struct.pack(">I", 0) + string(b"")) + message(
        94, struct.pack(">I", 0) + string(b"def")
    )
    read = []
    for at in range(0, len(whole), size):
        channel.feed(whole[at : at + size])
        while channel.received:
            read.append(channel.take(2))
    assert b"".join(read) == b"abcdef"
    assert all(1 <= len(piece) <= 2 for piece in read)


def test_the_window_is_given_back_when_half_of_it_has_been_read_and_not_before(channel):
    data = message(94, struct.pack(">I", 0) + string(bytes(32768)))
    for _ in range(40):
        channel.feed(data)
    assert not sent(channel)
    while channel.received:
        channel.take(30000)
    assert sent(channel) == [(93, struct.pack(">II", 7, WINDOW // 2))]


def test_stderr_is_kept_from_its_beginning_and_gives_its_window_back(channel):
    channel.feed(message(95, struct.pack(">II", 0, 1) + string(b"no: " + bytes(5000))))
    assert len(channel.stderr) == 1024
    for _ in range(WINDOW // 2 // 32768):
        channel.feed(message(95, struct.pack(">II", 0, 1) + string(bytes(32768))))
    assert [kind for kind, _ in sent(channel)] == [93]
    assert channel.stderr.startswith(b"no: ")


def test_how_what_ran_has_ended(channel):
    request = struct.pack(">I", 0) + string(b"exit-status") + b"\0" + struct.pack(">I", 3)
    channel.feed(message(98, request))
    signal = struct.pack(">I", 0) + string(b"exit-signal") + b"\0" + string(b"KILL")
    channel.feed(message(98, signal + b"\0" + string(b"") + string(b"")))
    assert (channel.exit_status, channel.signal) == (3, "KILL")


def test_a_keepalive_of_the_servers_is_answered(channel):
    asked = struct.pack(">I", 0) + string(b"keepalive@openssh.com") + b"\1"
    channel.feed(message(98, asked))
    assert sent(channel) == [(100, struct.pack(">I", 7))]


def test_keepalives_without_end_do_not_fill_the_memory(channel):
    asked = message(98, struct.pack(">I", 0) + string(b"keepalive@openssh.com") + b"\1")

    def feed_for_ever():
        for _ in range(100_000):
            channel.feed(asked)

    with pytest.raises(ProtocolError):
        feed_for_ever()


def test_end_and_close_are_sent_once_each(channel):
    for _ in range(2):
        channel.send_eof()
        channel.send_close()
        channel.send_eof()
    assert [kind for kind, _ in sent(channel)] == [96, 97]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">IBB", 1, 0, 94),
        struct.pack(">IBB", 1 << 20, 0, 94),
        message(94, b"\0\0"),
        message(94, struct.pack(">I", 0)),
        message(94, struct.pack(">II", 0, 9) + b"less"),
        message(93, struct.pack(">I", 0)),
        message(98, struct.pack(">I", 0) + string(b"exit-status")),
    ],
)
def test_what_is_no_message_is_an_error(channel, data):
    with pytest.raises(ProtocolError):
        channel.feed(data)
