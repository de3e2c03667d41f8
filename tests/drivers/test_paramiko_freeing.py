"""The paramiko driver's ends: abort at each step, close, and nothing left behind."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from driving import PATIENCE, Stream, execute, handshake, key_attempt, log_in, tcp, within

from ncwire.driver import ChannelRequest, InteractiveAttempt, NoneAttempt
from ncwire.errors import ChannelError, SSHError, TransportError
from ncwire_paramiko import ParamikoDriver
from waiting import eventually, let_pass

_MEETINGS = 20


class Possessions:
    """What this process has open and running, to be compared."""

    def __init__(self) -> None:
        # The folder's own fd, of reading it, has gone by the time that its link is read.
        self.fds = {fd: target(fd) for fd in Path("/proc/self/fd").iterdir()}
        self.threads = set(threading.enumerate())

    def check(self) -> None:
        """Fail if there is anything more."""
        now = Possessions()
        assert not now.threads - self.threads
        assert not {*now.fds.values()} - {*self.fds.values(), ""}


def target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except FileNotFoundError:
        return ""


def connect(server) -> tuple[ParamikoDriver, Stream]:
    driver = ParamikoDriver()
    return driver, execute(driver, server, "cat")


@pytest.mark.parametrize("end", ["close", "abort"])
def test_thirty_connections_leave_nothing(sshd, end):
    before = Possessions()
    for _ in range(30):
        _, stream = connect(sshd)
        stream.write(b"x")
        assert stream.read_exactly(1) == b"x"
        getattr(stream.channel, end)()
        del stream
        before.check()


def test_thirty_connections_at_once_leave_nothing(sshd):
    before = Possessions()
    connected = [connect(sshd) for _ in range(30)]
    for _, stream in connected:
        stream.channel.close()
    del connected, stream
    before.check()


def test_freeing_is_idempotent_in_any_order(sshd):
    before = Possessions()
    driver, stream = connect(sshd)
    for free in (stream.channel.close, stream.channel.abort, driver.abort) * 2:
        free()
    with pytest.raises(TransportError, match="the channel is closed"):
        stream.channel.read(10)
    with pytest.raises(TransportError, match="the channel is closed"):
        stream.channel.write(memoryview(b"x"))
    stream.channel.keepalive()
    del stream
    before.check()


def test_an_unused_driver_is_aborted_for_nothing():
    before = Possessions()
    driver = ParamikoDriver()
    driver.abort()
    driver.abort()
    before.check()


def test_closing_sends_a_disconnect(make_sshd):
    server = make_sshd()
    _, stream = connect(server)
    stream.channel.close()

    assert_logs(server, "closed by the user")


@pytest.mark.usefixtures("many_switches")
def test_a_stream_that_both_close_at_once_is_closed_once(make_sshd):
    """A second close breaks the protocol, and sshd ends the connection before our disconnect."""
    server = make_sshd()
    with socket.create_server(("127.0.0.1", 0)) as target:
        for _ in range(_MEETINGS):
            driver = ParamikoDriver()
            log_in(driver, server)
            tunnel = driver.open_tunnel(*target.getsockname(), within())
            target.accept()[0].close()
            assert Stream(tunnel).read_to_the_end() == b""
            tunnel.close()

    assert_logs(server, "closed by the user", _MEETINGS)


def test_closing_does_not_wait_for_a_server_that_is_silent(make_sshd):
    server = make_sshd()
    before = Possessions()
    _, stream = connect(server)
    server.freeze()
    stream.fill(bytes(30 << 20))
    began = time.monotonic()
    stream.channel.close()

    assert time.monotonic() - began < 5
    del stream
    before.check()


def test_after_a_server_died_all_is_freed(make_sshd):
    server = make_sshd()
    before = Possessions()
    _, stream = connect(server)
    server.kill()
    with pytest.raises(SSHError):
        stream.read()
    stream.channel.abort()
    del stream
    before.check()


def silent_listener():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, socket.create_connection(listener.getsockname())


def blocked_in_handshake(driver, server):
    listener, sock = silent_listener()
    return lambda: driver.handshake(sock, driver.algorithms, within()), listener.close


def blocked_in_key_exchange(driver, server):
    listener, sock = silent_listener()
    accepted, _ = listener.accept()
    accepted.sendall(b"SSH-2.0-Pretender\r\n")

    def clean_up():
        accepted.close()
        listener.close()

    return lambda: driver.handshake(sock, driver.algorithms, within()), clean_up


def blocked_in_authentication(driver, server):
    handshake(driver, server)
    return lambda: driver.authenticate(NoneAttempt("root"), within()), None


def blocked_in_open_channel(driver, server):
    log_in(driver, server)
    return lambda: driver.open_channel(ChannelRequest("netconf"), {}, within()), None


@pytest.mark.parametrize(
    "step",
    [
        blocked_in_handshake,
        blocked_in_key_exchange,
        blocked_in_authentication,
        blocked_in_open_channel,
    ],
)
def test_abort_ends_a_step_in_another_thread(make_sshd, step):
    server = make_sshd()
    before = Possessions()
    driver = ParamikoDriver()
    call, clean_up = step(driver, server)
    if clean_up is None:
        server.freeze()
    failures = []

    def take_the_step():
        try:
            call()
        except Exception as error:  # noqa: BLE001 - it is checked below
            failures.append(error)

    thread = threading.Thread(target=take_the_step)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    began = time.monotonic()
    driver.abort()
    thread.join(PATIENCE)
    took = time.monotonic() - began
    driver.abort()
    if clean_up is not None:
        clean_up()

    assert took < 5
    (failure,) = failures
    assert isinstance(failure, SSHError)
    assert "aborted" in str(failure)
    before.check()


def test_abort_before_a_step_makes_it_fail(sshd):
    before = Possessions()
    driver = ParamikoDriver()
    driver.abort()
    with pytest.raises(SSHError):
        driver.handshake(tcp(sshd), driver.algorithms, within())
    driver.abort()
    before.check()


def test_abort_from_the_thread_that_answers_prompts(make_sshd, account):
    server = make_sshd(user=account.name, config="UsePAM yes\nKbdInteractiveAuthentication yes")
    before = Possessions()
    driver = ParamikoDriver()
    handshake(driver, server)

    def answer(title, instruction, prompts):
        driver.abort()
        return ["x"] * len(prompts)

    with pytest.raises(SSHError, match="aborted"):
        driver.authenticate(InteractiveAttempt(account.name, answer), within())
    driver.abort()
    before.check()


def test_failed_connections_leave_nothing(make_sshd, key_ring):
    server = make_sshd(config="MaxAuthTries 1")
    before = Possessions()
    for _ in range(10):
        driver = ParamikoDriver()
        log_in(driver, server)
        with pytest.raises(ChannelError):
            driver.open_channel(ChannelRequest("refused"), {}, within())
        driver.abort()

        driver = ParamikoDriver()
        handshake(driver, server)
        with pytest.raises(SSHError):
            driver.authenticate(key_attempt("root", key_ring.key("stranger")), within())
        driver.abort()

        driver = ParamikoDriver()
        listener, sock = silent_listener()
        with listener, pytest.raises(TimeoutError):
            driver.handshake(sock, driver.algorithms, within(0.05))
        driver.abort()
        before.check()


def test_an_agent_leaves_nothing(make_sshd, key_ring, ssh_agent, sshd):
    ssh_agent.add(key_ring.key("client"))
    before = Possessions()
    for _ in range(3):
        driver = ParamikoDriver()
        handshake(driver, sshd)
        assert driver.agent_identities(str(ssh_agent.socket), within())
        driver.abort()

        driver = ParamikoDriver()
        handshake(driver, sshd)
        assert driver.agent_identities(str(ssh_agent.socket), within())
        driver.authenticate(key_attempt(sshd.user, sshd.client_key), within())
        channel = driver.open_channel(ChannelRequest("netconf"), {}, within())
        channel.abort()
        before.check()


def test_a_connection_does_nothing_when_nothing_happens(sshd):
    _, stream = connect(sshd)
    thread = stream.channel.native.native_id
    stream.write(b"x")
    assert stream.read_exactly(1) == b"x"
    switches = voluntary_switches(thread)
    let_pass(0.5)

    # Paramiko by itself would have woken five times.
    assert voluntary_switches(thread) - switches <= 1
    stream.channel.close()


def voluntary_switches(thread: int) -> int:
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def assert_logs(server, words: str, times: int = 1) -> None:
    eventually(lambda: server.log().count(words) >= times, server.log)
