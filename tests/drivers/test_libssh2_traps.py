"""ssh2-python 1.2.0 and libssh2 1.11.1 crash, leak or hang when used otherwise.

Each test pulls the trigger of one trap in an interpreter of its own, where it can do no harm,
and checks that the effect is gone. docs/libssh2-traps.rst lists them.
"""

from __future__ import annotations

import pytest
from libssh2_rig import Sshd, in_child, needs_sshd

PRELUDE = """
    import gc, os, socket, sys, threading, time
    from pathlib import Path
    from ncwire.driver import *
    from ncwire.errors import *
    from ncwire_libssh2 import Libssh2Driver
    from libssh2_rig import MODERN, Key, Peer, Policy, StubServer, log_in, soon, stub_session

    port, key_file = int(sys.argv[1]), Path(sys.argv[2])

    def login():
        driver = Libssh2Driver()
        sock = socket.create_connection(("127.0.0.1", port))
        driver.handshake(sock, MODERN, soon())
        attempt = PublicKeyAttempt("root", "", b"", key_file.read_bytes(), "")
        assert driver.authenticate(attempt, soon()).result is AuthResult.SUCCESS
        return driver

    def connect():
        return login().open_channel(ChannelRequest("netconf"), {}, soon())

    def memory():
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def growth(step, times):
        # The allocator's own movements pass; a leak is there every time.
        rounds = []
        for _ in range(4):
            before = memory()
            for _ in range(times):
                step()
            rounds.append((memory() - before) / times)
        return min(rounds)
"""

pytestmark = needs_sshd


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sshd")
    with Sshd(folder, "MaxStartups 100") as server:
        (folder / "key").write_bytes(server.keys[0].private)
        server.key_file = folder / "key"
        yield server


@pytest.fixture
def child(sshd):
    def run(script: str) -> str:
        lines = (PRELUDE + script).splitlines()
        assert all(not line or line.startswith("    ") for line in lines)
        return in_child("\n".join(lines), sshd.port, sshd.key_file)

    return run


def test_t1_a_blocked_write_retried_shorter_sends_nothing_of_ours(child):
    child("""
    with stub_session() as (server, channel, far):
        sent, chunk = 0, memoryview(b"A" * 100_000)
        while taken := channel.write(chunk):
            sent += taken
        try:
            channel.write(memoryview(b"A"))
        except TransportError as error:
            assert "same bytes" in str(error)
        else:
            raise AssertionError("a shorter buffer was taken")
        received = bytearray()
        while len(received) < sent:
            received += far.recv(1_000_000)
        channel.abort()
        received += far.recv(1_000_000)
        assert set(received) <= {ord("A")} and len(received) <= sent + 32_700
    """)


def test_t2_dropping_a_connection_to_a_silent_peer_stops_no_thread(child):
    child("""
    ours, theirs = socket.socketpair()
    theirs.sendall(b"SSH-2.0-silent\\r\\n")
    driver = Libssh2Driver()
    try:
        driver.handshake(ours, MODERN, soon(0.3))
    except StepTimeoutError:
        pass
    channel = connect()
    began = time.monotonic()
    del driver, channel
    gc.collect()
    assert time.monotonic() - began < 5
    """)


def test_t3_a_session_that_the_caller_has_kept_writes_into_no_other_fd(child):
    child("""
    import ssh2.exceptions
    channel = connect()
    fd, native = channel.fileno(), channel.native
    mine = native.open_session()
    while mine == -37:
        mine = native.open_session()
    channel.close()
    ours, theirs = socket.socketpair()
    os.dup2(ours.fileno(), fd)
    for use in (native.disconnect, native.keepalive_send, lambda: mine.write(b"x"), mine.close):
        try:
            use()
        except ssh2.exceptions.SSH2Error:
            pass
    del mine, native, use
    gc.collect()
    theirs.setblocking(False)
    try:
        raise AssertionError(theirs.recv(1000))
    except BlockingIOError:
        pass
    """)


@pytest.mark.parametrize(
    "end",
    [
        "channel.abort()",
        pytest.param("channel.close()", marks=pytest.mark.exhaustive),
        pytest.param("pass", marks=pytest.mark.exhaustive),
    ],
)
def test_t4_nothing_is_leaked_by_ending_in_any_way(child, end):
    # 84 KiB a connection where libssh2_session_free gives up.
    child(f"""
    def step():
        channel = connect()
        {end}
    leaked = growth(step, 12)
    assert leaked < 20_000, leaked
    """)


@pytest.mark.exhaustive
def test_t4_nothing_is_leaked_by_ending_with_a_write_under_way(child):
    child("""
    def step():
        channel = connect()
        while channel.write(memoryview(bytes(500_000))):
            pass
        channel.abort()
    leaked = growth(step, 12)
    assert leaked < 20_000, leaked
    """)


def test_t5_nothing_asks_for_the_algorithms_of_a_failed_handshake(child):
    child("""
    import dataclasses
    driver = Libssh2Driver()
    offer = dataclasses.replace(MODERN, kex=("diffie-hellman-group1-sha1",))
    try:
        driver.handshake(socket.create_connection(("127.0.0.1", port)), offer, soon())
    except HandshakeError:
        pass
    try:
        driver.open_channel(ChannelRequest("netconf"), {}, soon())
    except TransportError:
        pass
    driver.abort()
    """)


@pytest.mark.parametrize("answer", ["[]", "1 / 0", "[1]", "None"])
def test_t6_t7_an_interactive_callback_may_do_anything(child, answer):
    child(f"""
    import paramiko
    class Asks(Policy):
        def check_auth_interactive(self, username, submethods):
            return paramiko.InteractiveQuery("", "", "One", "Two", "Three")
        def check_auth_interactive_response(self, responses):
            return paramiko.AUTH_FAILED
    with StubServer(Asks()) as server:
        driver = Libssh2Driver()
        driver.handshake(server.client_socket, MODERN, soon())
        try:
            driver.authenticate(InteractiveAttempt("u", lambda *_: {answer}), soon())
        except (ZeroDivisionError, AttributeError, TypeError):
            assert {answer!r} != "[]"
        driver.abort()
    """)


def test_t8_many_threads_on_one_connection_and_a_close_among_them(child):
    child("""
    broken = []
    threading.excepthook = lambda args: broken.append(args.exc_value)
    for _ in range(5):
        channel = connect()
        begin = threading.Barrier(5)
        used = threading.Semaphore(0)

        def hammer(use):
            begin.wait()
            while channel.fileno() >= 0:
                try:
                    use()
                except TransportError as error:
                    assert "is closed" in str(error), error
                used.release()

        def kill():
            begin.wait()
            for _ in range(200):
                assert used.acquire(timeout=20)
            channel.close()

        data = memoryview(bytes(30_000))
        uses = (lambda: channel.read(4096), lambda: channel.write(data),
                lambda: channel.read(100_000), channel.keepalive)
        threads = [threading.Thread(target=hammer, args=(use,)) for use in uses]
        for thread in threads:
            thread.start()
        kill()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
    assert not broken, broken
    """)


def test_t9_t10_an_agents_key_is_used_only_while_its_agent_is_there(child):
    child("""
    import tempfile
    folder = tempfile.TemporaryDirectory(prefix="a")
    path = folder.name + "/s"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    def agent():
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
    threading.Thread(target=agent, daemon=True).start()
    key = Key()
    attempt = AgentAttempt("u", AgentIdentity(key.type, key.blob, ""), path)
    for _ in range(20):
        with StubServer() as server:
            driver = Libssh2Driver()
            driver.handshake(server.client_socket, MODERN, soon())
            assert driver.authenticate(attempt, soon()).result is AuthResult.DENIED
            del driver
            gc.collect()
    folder.cleanup()
    """)


def test_t12_a_forked_childs_exit_leaves_the_parents_session_alone(child):
    child("""
    channel = connect()
    pump = Peer(channel)
    assert pump.exchange(b"before", until=6) == b"before"
    pid = os.fork()
    if pid == 0:
        channel.close()
        del channel, pump
        gc.collect()
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    pid = os.fork()
    if pid == 0:
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert pump.exchange(b"after", until=5) == b"after"
    channel.close()
    """)


def test_t13_what_came_before_the_fin_is_read(child):
    """So much that libssh2 sends no window adjustment, which a reset would answer."""
    child("""
    with stub_session() as (server, channel, far):
        far.sendall(b"x" * 200_000)
        server.socket.shutdown(socket.SHUT_RDWR)
        pump = Peer(channel)
        assert len(pump.exchange(until=10**9)) == 200_000
        assert pump.ended
    """)


def test_t13_what_came_before_the_fin_is_read_though_a_write_fails(child):
    """It is answered by a reset, which takes from the server's queue what has not arrived."""
    child("""
    import fcntl, struct, termios

    def unsent(sock):
        return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]

    with stub_session() as (server, channel, far):
        far.sendall(b"x" * 50_000)
        while unsent(server.socket):
            time.sleep(0.001)
        server.socket.shutdown(socket.SHUT_RDWR)
        pump = Peer(channel)
        try:
            came = pump.exchange(b"request", until=10**9)
        except SSHError:  # the reset is told, as soon as it has come
            came = pump.received
        assert len(came) == 50_000
    """)


@pytest.mark.exhaustive
def test_t13_nothing_is_leaked_by_an_end_that_came_before_its_time(child):
    child("""
    def step():
        with stub_session() as (server, channel, far):
            while channel.write(memoryview(bytes(500_000))):
                pass
            server.socket.shutdown(socket.SHUT_RDWR)
            pump = Peer(channel)
            try:
                pump.exchange(until=1)
                assert pump.ended
            except SSHError:
                pass
    leaked = growth(step, 12)
    assert leaked < 20_000, leaked
    """)


def test_t15_what_a_write_takes_in_is_read_although_the_fd_is_silent(child):
    child("""
    channel = connect()
    pump = Peer(channel)
    data = os.urandom(20_000_000)
    assert pump.exchange(data, until=len(data)) == data
    channel.close()
    """)


def test_t16_an_abort_frees_a_thread_that_waits_for_the_server(child):
    child("""
    ours, theirs = socket.socketpair()
    theirs.sendall(b"SSH-2.0-silent\\r\\n")
    driver = Libssh2Driver()
    ended = []
    def run():
        try:
            driver.handshake(ours, MODERN, soon(60))
        except TransportError as error:
            ended.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    theirs.recv(4)
    driver.abort()
    thread.join(10)
    assert ended and not thread.is_alive()
    """)


@pytest.mark.exhaustive
def test_t18_asking_for_the_text_of_an_error_does_not_leak_its_kilobyte(child):
    child("""
    from ssh2.exceptions import SSH2Error
    from ncwire_libssh2.connection import Connection
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    with connection.lock:
        leaked = growth(lambda: connection.fault(SSH2Error()), 5_000)
    connection.end()
    assert leaked < 200, leaked
    """)


def test_a_connection_that_libssh2_is_stuck_in_ends(child):
    # The kernel takes less than it had room for, and a key exchange begins meanwhile.
    child("""
    with stub_session(None, socket.socketpair()) as (server, channel, far):
        pump = Peer(channel)
        for size in (1, 500_000):
            pump.exchange(b"x" * size)
            while size:
                size -= len(far.recv(size))
        shared = socket.socket(fileno=os.dup(channel.fileno()))
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        shared.close()
        threading.Thread(target=server.transport.renegotiate_keys, daemon=True).start()
        try:
            pump.exchange(bytes(1_000_000), seconds=20)
        except SSHError as error:
            assert "stuck" in str(error), error
        channel.abort()
    """)


def test_the_interpreter_may_exit_with_everything_open(child):
    child("""
    channels = [connect() for _ in range(3)]
    channels[0].write(memoryview(b"x"))
    driver = login()
    kept = channels[1].native
    """)
