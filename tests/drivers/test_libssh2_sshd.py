"""The libssh2 driver against OpenSSH: bulk, rekeying, a killed server, what is left over."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest
from libssh2_rig import Peer, Sshd, nothing_left, soon, with_sshd

from ncwire.driver import ChannelRequest
from thoroughness import sampled

pytestmark = [pytest.mark.timeout(180)]

SERVER = """
    import hashlib, sys
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while line := source.readline():
        verb, size = line.split()
        size = int(size)
        if verb == b"down":
            block = bytes(range(256)) * 4096
            while size:
                size -= sink.write(block[:size])
        else:
            digest = hashlib.sha256()
            while size:
                data = source.read(min(size, 65536))
                digest.update(data)
                size -= len(data)
            sink.write(digest.hexdigest().encode())
        sink.flush()
"""


def bulk_server(folder: Path) -> str:
    script = folder / "subsystem.py"
    script.write_text(textwrap.dedent(SERVER))
    return f"{sys.executable} {script}"


@with_sshd
@pytest.mark.parametrize(
    "options",
    [(), ("RekeyLimit 1M",), ("RekeyLimit 1M", "Ciphers aes128-ctr")],
    ids=["no rekey", "rekey", "rekey ctr"],
)
@sampled("megabytes", 10, 100)
def test_much_goes_down_and_half_of_it_up_as_it_was_sent(tmp_path, options, megabytes):
    down, up = megabytes * 1_000_000, os.urandom(megabytes * 500_000)
    with Sshd(tmp_path, *options, subsystem=bulk_server(tmp_path)) as server:
        channel = server.open()
        pump = Peer(channel)
        received = pump.exchange(b"down %d\n" % down, until=down)
        pattern = bytes(range(256)) * 4096
        assert len(received) == down
        expected = hashlib.sha256((pattern * (down // len(pattern) + 1))[:down]).digest()
        assert hashlib.sha256(received).digest() == expected
        digest = pump.exchange(b"up %d\n" % len(up) + up, until=64)
        assert digest.decode() == hashlib.sha256(up).hexdigest()
        channel.close()


@with_sshd
def test_both_ways_at_once_with_rekeying(tmp_path):
    data = os.urandom(30_000_000)
    with Sshd(tmp_path, "RekeyLimit 1M") as server:
        channel = server.open()
        pump = Peer(channel)
        assert pump.exchange(data, until=len(data)) == data
        # One wait for each 64 kB would still be no spinning.
        assert pump.waits < 5_000
        channel.close()


@with_sshd
def test_a_killed_server_is_the_end_after_what_it_had_sent(tmp_path):
    with Sshd(tmp_path) as server:
        channel = server.open()
        pump = Peer(channel)
        assert pump.exchange(b"pid", until=3) == b"pid"
        session = int(
            Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
            .read_text()
            .split()[0]
        )
        os.kill(session, signal.SIGKILL)
        assert pump.exchange(until=1) == b""
        assert pump.ended
        channel.close()


@with_sshd
def test_connecting_and_closing_leaves_no_fd_and_no_thread(tmp_path):
    with Sshd(tmp_path) as server, nothing_left():
        for index in range(30):
            driver = server.login()
            if index % 3:
                channel = driver.open_channel(ChannelRequest("netconf"), {}, soon())
                Peer(channel).exchange(b"x", until=1)
                (channel.close if index % 2 else channel.abort)()
            else:
                driver.abort()
