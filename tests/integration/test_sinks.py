"""Large replies to a sink, over real servers: whole, in constant memory, at the sink's pace."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest

import ncwire
from ncwire._protocol.messages import BASE_NS
from ncwire.errors import SessionCloseError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sshd

SIZE = 40_000_000
QUIET = 0.3
"""How long the server has written nothing when it is taken for stopped."""


class Progress:
    """How much the server's subsystem has written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "progress"

    def stopped(self) -> int:
        """Wait until nothing more is written; return how much was."""
        last, now = -1, 0
        while now != last:
            last = now
            threading.Event().wait(QUIET)
            now = int(self.path.read_bytes())
        return now


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path)


@pytest.fixture(params=["1.0", "1.1"])
def server(request, make_sshd, progress):
    arguments = ["--base", request.param, "--progress", str(progress.path)]
    return make_sshd(subsystem_arguments=arguments)


def test_a_large_reply_goes_to_a_sink_whole_and_is_not_kept(server, connect):
    session = connect(server)
    whole = session.rpc(f'<get-bytes n="{SIZE}"/>')
    digest = hashlib.sha256()
    wanted = hashlib.sha256(whole.raw.encode()).hexdigest()
    again = f'<rpc xmlns="{BASE_NS}" message-id="{whole.message_id}"><get-bytes n="{SIZE}"/></rpc>'
    del whole
    tracemalloc.start()
    try:
        reply = session.rpc(again, sink=digest.update)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply.size > SIZE
    assert digest.hexdigest() == wanted
    assert peak < SIZE / 2


def test_a_sink_that_stops_stops_the_server(server, connect, progress):
    session = connect(server)
    stopped = []

    def sink(piece: bytes) -> None:
        if not stopped:
            stopped.append(progress.stopped())

    reply = session.rpc(f'<get-bytes n="{SIZE}"/>', sink=sink)
    assert stopped[0] < SIZE
    assert reply.size > SIZE
    assert "<y/>" in session.rpc("<echo><y/></echo>").raw


def test_a_server_that_its_reader_keeps_waiting_is_not_taken_for_dead(sshd, connect):
    interval = 1.0
    session = connect(sshd, keepalive=interval, keepalive_count=1)
    with session.stream(f'<get-bytes n="{SIZE}"/>') as stream:
        next(stream)
        threading.Event().wait(2.5 * interval)  # The silence itself is what is tested.
        assert sum(map(len, stream)) > SIZE - 2_000_000
    assert "<y/>" in session.rpc("<echo><y/></echo>").raw


def test_on_a_hub_others_go_on_beside_a_reader_that_stands_still(sshd, driver):
    with ncwire.Hub() as hub:
        sessions = []
        for _ in range(2):
            session = ncwire.SSHSession(driver=driver, hub=hub)
            session.load_known_hosts(sshd.known_hosts)
            session.connect(
                sshd.host,
                sshd.port,
                username=sshd.user,
                key_filename=str(sshd.client_key),
                allow_agent=False,
                look_for_keys=False,
            )
            sessions.append(session)
        with sessions[0].stream(f'<get-bytes n="{SIZE}"/>') as stream:
            next(stream)
            for _ in range(20):
                assert "<y/>" in sessions[1].rpc("<echo><y/></echo>").raw
            assert sum(map(len, stream)) > SIZE - 2_000_000
        assert "<y/>" in sessions[0].rpc("<echo><y/></echo>").raw


def test_a_stream_that_is_left_early_leaves_the_session_open(server, connect):
    session = connect(server)
    with session.stream(f'<get-bytes n="{SIZE}"/>') as stream:
        next(stream)
    assert "<y/>" in session.rpc("<echo><y/></echo>").raw


def test_close_does_not_wait_for_a_reader_that_stands_still(server, connect, progress):
    session = connect(server)
    stream = session.stream(f'<get-bytes n="{SIZE}"/>')
    assert progress.stopped() < SIZE
    session.close()
    assert not session.is_alive()
    with pytest.raises(SessionCloseError):
        list(stream)


def test_a_server_that_vanishes_in_the_middle(sshd, connect):
    session = connect(sshd)
    pieces = []
    with pytest.raises(SessionCloseError) as caught:
        session.rpc("<die/>", sink=pieces.append)
    assert caught.value is session.cause
    assert str(len(b"".join(pieces))) in caught.value.__notes__[0]
