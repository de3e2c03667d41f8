"""OpenSSL's own server as the peer: key updates (RFC 8446 section 4.6.3), renegotiation, ends."""

from __future__ import annotations

import re
import select
import shutil
import subprocess
import time
from contextlib import closing, contextmanager

import pytest
from tls_peers import PATIENCE

from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, Readiness
from ncwire.errors import TLSError
from ncwire.testing.conformance.line import Line
from ncwire_tls import TLSDriver

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.skipif(
        not shutil.which("openssl"), reason="needs openssl: apt-get install openssl"
    ),
]


class Peer:
    """`openssl s_server`, which sends what is typed, and takes some letters for orders."""

    def __init__(self, process, port):
        self._process = process
        self.port = port
        self._said = b""

    def type(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def wait_for(self, pattern):
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self._said)):
            ready, _, _ = select.select([self._process.stdout], [], [], until - time.monotonic())
            assert ready, self._said
            self._said += self._process.stdout.read1(1 << 16)
        self._said = self._said[found.end() :]
        return found


@contextmanager
def openssl(certificates, *arguments):
    command = [
        *("openssl", "s_server", "-accept", "127.0.0.1:0", "-Verify", "1"),
        *("-cert", certificates.server.certificate, "-key", certificates.server.key),
        *("-CAfile", certificates.authority.certificate, "-msg", "-naccept", "1", *arguments),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        peer = Peer(process, 0)
        try:
            peer.port = int(peer.wait_for(rb"ACCEPT 127\.0\.0\.1:(\d+)")[1])
            yield peer
        finally:
            process.kill()


@contextmanager
def line_to(certificates, peer):
    given = {name: str(path) for name, path in certificates.credentials().items()}
    options = ConnectOptions(host="127.0.0.1", port=peer.port, username="", driver_options=given)
    channel = connecting(TLSDriver(), options, Deadline.after(60, "connect")).run()
    with closing(channel):
        line = Line(channel, PATIENCE)
        try:
            yield line
        finally:
            line.free()


def test_the_peer_updates_its_keys_and_asks_for_ours(certificates):
    with openssl(certificates, "-tls1_3") as peer, line_to(certificates, peer) as line:
        line.send(b"first\n")
        peer.wait_for(rb"first\n")
        for _ in range(3):
            peer.type(b"K\n")
            peer.wait_for(rb">>> TLS 1.3, Handshake \[length 0005\], KeyUpdate")
            peer.type(b"more\n")
            assert line.receive(5) == b"more\n"
            # OpenSSL sends ours before the next that we send, as the RFC has it.
            line.send(b"again\n")
            peer.wait_for(rb"<<< TLS 1.3, Handshake \[length 0005\], KeyUpdate")
            peer.wait_for(rb"again\n")


def test_the_peer_updates_its_keys_alone(certificates):
    with openssl(certificates, "-tls1_3") as peer, line_to(certificates, peer) as line:
        peer.type(b"k\n")
        peer.wait_for(rb">>> TLS 1.3, Handshake \[length 0005\], KeyUpdate")
        peer.type(b"more\n")
        assert line.receive(5) == b"more\n"
        line.send(b"again\n")
        peer.wait_for(rb"again\n")


def test_the_peer_renegotiates(certificates):
    with openssl(certificates, "-tls1_2") as peer, line_to(certificates, peer) as line:
        line.send(b"first\n")
        peer.wait_for(rb"first\n")
        peer.type(b"r\n")
        peer.wait_for(rb"HelloRequest")
        line.serve()
        # What is written in the middle of it waits, and arrives.
        line.send(b"again\n")
        peer.wait_for(rb"again\n")
        peer.type(b"more\n")
        assert line.receive(5) == b"more\n"


def test_a_write_that_a_renegotiation_holds_up_is_asked_for_again_by_what_is_read(certificates):
    """After it nothing more need come: who waits to read alone would wait for ever."""
    with openssl(certificates, "-tls1_2") as peer, line_to(certificates, peer) as line:
        channel = line.channel
        line.send(b"first\n")
        peer.wait_for(rb"first\n")
        peer.type(b"r\n")
        peer.wait_for(rb"HelloRequest")
        assert line.wait(PATIENCE)
        assert channel.read(1 << 16) is None  # and it has begun
        held_up = 0
        while not channel.write(memoryview(b"again\n")):
            held_up += 1
            ready, _, _ = select.select([channel], [], [], PATIENCE)
            assert ready
            assert channel.read(1 << 16) is None
            assert channel.wants().on & Readiness.WRITE
        assert held_up
        peer.wait_for(rb"again\n")


def test_our_end_is_said_once_what_had_come_is_read(certificates):
    with openssl(certificates, "-tls1_3") as peer, line_to(certificates, peer) as line:
        peer.type(b"first\n")
        while (data := line.channel.read(3)) is None:  # the tickets, which are no data
            assert line.wait(PATIENCE)
        assert data == b"fir"
        assert not line.channel.finish()
        assert line.channel.wants().until == 0.0
        assert line.receive(3) == b"st\n"
        line.finish()
        peer.wait_for(rb"<<< TLS 1\.3, Alert \[length 0002\], warning close_notify")


def test_our_end_is_said_and_the_peers_is_missed(certificates, version):
    flag = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}[version]
    with openssl(certificates, flag) as peer, line_to(certificates, peer) as line:
        line.send(b"last\n")
        line.finish()
        peer.wait_for(rb"last\n")
        peer.wait_for(rb"<<< TLS 1\.\d, Alert \[length 0002\], warning close_notify")
    with openssl(certificates, flag) as peer, line_to(certificates, peer) as line:
        peer.type(b"last\n")
        assert line.receive(5) == b"last\n"
        peer.type(b"Q\n")  # it closes the socket, and says nothing
        with pytest.raises(TLSError, match="ended the connection without close_notify"):
            line.receive_to_end()
