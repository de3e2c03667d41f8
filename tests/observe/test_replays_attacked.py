"""What a replayed device says to clients that do what few do, and of traces of rare things."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

import ncwire
from ncwire.observe import TraceWriter, read_trace
from ncwire.testing import Replay

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EOM = b"]]>]]>"
END = b"\n##\n"


class Client:
    """Speaks chunked framing after its hello, and says what it is told to."""

    def __init__(self, device):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(device.server.path)
        self._received = b""
        self._socket.sendall(
            f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.1'
            "</capability></capabilities></hello>".encode()
            + EOM
        )
        self._receive(EOM)

    def ask(self, message):
        self._socket.sendall(b"\n#%d\n%b%b" % (len(message), message, END))
        return self._receive(END)

    def close(self):
        self._socket.close()

    def _receive(self, end):
        while end not in self._received:
            part = self._socket.recv(1 << 16)
            if not part:
                raise EOFError
            self._received += part
        message, _, self._received = self._received.partition(end)
        return message


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recorded.trace"


def test_what_was_not_sent_is_not_expected(path, peer):
    with TraceWriter(path) as trace:
        session = peer.opened(
            ncwire.Timeouts(rpc=0.05), observers=[trace], limits=ncwire.Limits(send_queue=100_000)
        )

        def send_on():
            while True:
                session.submit(f"<a>{'x' * 90_000}</a>")

        with pytest.raises(ncwire.SendQueueFullError):
            send_on()
        session.close()
    sent = [each.event for each in read_trace(path).events].count("rpc")
    with closing(Replay(path)) as device, ncwire.connect(**device.parameters):
        assert len(device.unplayed) == sent - 1


def test_a_request_without_a_message_id_is_answered_without(path, connect):
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        session.rpc("<get/>")
    with closing(Replay(path)) as device, closing(Client(device)) as client:
        reply = client.ask(f'<rpc xmlns="{BASE}"><get/></rpc>'.encode())
    assert b"<data>" in reply
    assert b"message-id" not in reply


def test_a_secret_in_a_request_in_another_encoding_is_not_shown():
    request = f'<rpc xmlns="{BASE}" message-id="1"><x><password>S3cret</password></x></rpc>'
    with closing(Replay()) as device, closing(Client(device)) as client:
        client.ask(request.encode("utf-16"))
        (failure,) = device.failures
    assert "S3cret" not in failure


def test_a_hidden_value_is_answered_with_what_stands_for_it(path, connect):
    get = "<get-config><source><running/></source></get-config>"
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        session.rpc(get)
    with Replay(path) as device, ncwire.connect(**device.parameters) as session:
        assert "<password>***</password>" in session.rpc(get).raw
