"""The other parameters of `connect` and the life of a session, against OpenSSH's sshd."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading

import pytest
from leaving import leaving_nothing

import ncwire
from ncwire import SSHSession, Timeouts
from ncwire._protocol.rpc import wrap_rpc
from ncwire.errors import (
    ChannelError,
    ConnectError,
    HelloMissingError,
    HelloTimeoutError,
    OptionError,
    SessionCloseError,
    StepTimeoutError,
    TransportError,
)
from ncwire.testing import EmbeddedServer, FaultProxy

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024


def test_rpc_and_what_is_known_of_the_session(sshd, connect, driver):
    session = connect(sshd)
    assert "<x>é</x>" in session.rpc("<echo><x>é</x></echo>").raw
    assert session.transport is not None
    assert (session.host, session.port) == (sshd.host, sshd.port)
    assert session.channel_info.server_version.startswith("SSH-2.0-OpenSSH")
    session.close()
    assert session.transport is None


# --- the rest of connect -----------------------------------------------------------------------


def test_environment_reaches_the_subsystem(make_sshd, connect):
    server = make_sshd(config="AcceptEnv NCWIRE_*")
    session = connect(server, environment={"NCWIRE_TEST": "some value"})
    assert "some value" in session.rpc('<environment name="NCWIRE_TEST"/>').raw


def test_next_subsystem_name_is_tried(sshd, connect, leaves_nothing):
    session = connect(sshd, subsystems=["xmlagent", "netconf"])
    assert session.connected
    session.close()
    with pytest.raises(ChannelError, match="xmlagent"):
        connect(sshd, subsystems=["xmlagent"])


def test_open_socket_is_used(sshd, connect):
    sock = socket.create_connection((sshd.host, sshd.port))
    assert connect(sshd, sock=sock).connected
    fd = socket.create_connection((sshd.host, sshd.port)).detach()
    assert connect(sshd, sock_fd=fd).connected


def test_source_address_is_bound(sshd, connect):
    session = connect(sshd, bind_addr="127.0.0.2")
    assert session.connected
    assert "127.0.0.2" in sshd.log()


def test_ssh_config_settles_what_is_not_given(sshd, driver, tmp_path):
    config = tmp_path / "config"
    config.write_text(
        f"Host router\n HostName {sshd.host}\n Port {sshd.port}\n User {sshd.user}\n"
        f" IdentityFile {sshd.client_key}\n UserKnownHostsFile {sshd.known_hosts}\n"
    )
    session = SSHSession(driver=driver)
    session.connect("router", ssh_config=str(config), allow_agent=False, look_for_keys=False)
    assert session.port == sshd.port
    session.close()


def test_nothing_listens(connect, sshd, leaves_nothing):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))

        class NotThere:
            host, port = free.getsockname()
            user, client_key, known_hosts = sshd.user, sshd.client_key, sshd.known_hosts

        with pytest.raises(ConnectError, match="refused"):
            connect(NotThere)


def test_silent_peer_ends_in_an_error_that_names_the_step(connect, sshd, leaves_nothing):
    with socket.create_server(("127.0.0.1", 0)) as silent:

        class Silent:
            host, port = silent.getsockname()
            user, client_key, known_hosts = sshd.user, sshd.client_key, sshd.known_hosts

        with pytest.raises(StepTimeoutError, match=r"key exchange.*0\.3 s|handshake.*0\.3 s"):
            connect(Silent, timeouts=Timeouts(handshake=0.3))


def test_close_from_another_thread_ends_a_connect(driver, sshd, leaves_nothing):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session = SSHSession(driver=driver)

        def close():
            with silent.accept()[0] as peer:
                peer.recv(1)
                session.close()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.raises(SessionCloseError, match="closed by us"):
            session.connect(*silent.getsockname(), username="nobody", hostkey_verify=False)
        closer.join()


def test_server_without_a_hello(make_sshd, connect):
    server = make_sshd(subsystem_arguments=["--hello", "none"])
    with leaving_nothing(), pytest.raises(HelloTimeoutError, match="hello"):
        connect(server, timeouts=Timeouts(hello=0.3))


def test_connection_that_is_reset_before_the_hello(driver, leaves_nothing):
    def script(stream) -> None:
        stream.recv()  # The client's hello.
        proxy.reset()

    with (
        EmbeddedServer(script=script) as server,
        FaultProxy(("127.0.0.1", server.port)) as proxy,
        pytest.raises(HelloMissingError, match=r"^hello: "),
    ):
        ncwire.connect(
            "127.0.0.1",
            port=proxy.port,
            driver=driver,
            username=server.username,
            password=server.password,
            hostkey_b64=server.host_key.base64,
        )


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("port", 0), ("keepalive", -1), ("hostkey_b64", "no base64!"), ("bind_addr", 5)],
)
def test_bad_parameter_is_refused_before_anything_is_sent(driver, parameter, value):
    with pytest.raises(OptionError, match=parameter):
        SSHSession(driver=driver).connect("127.0.0.1", **{parameter: value})


# --- the life of a session ---------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_large_reply_and_request_arrive_whole(make_sshd, connect, version):
    session = connect(make_sshd(subsystem_arguments=["--base", version]))
    reply = session.rpc(f'<get-bytes n="{20 * MEGABYTE}"/>', timeout=100)
    assert len(reply.raw) > 20 * MEGABYTE
    document = "<digest>" + "x" * (5 * MEGABYTE) + "</digest>"
    reply = session.rpc(document, timeout=100)
    sent = wrap_rpc(document, reply.message_id)
    assert hashlib.sha256(sent).hexdigest() in reply.raw


def test_stderr_of_the_subsystem_does_not_stop_the_session(sshd, connect):
    session = connect(sshd)
    for _ in range(3):
        assert session.rpc(f'<stderr n="{3 * MEGABYTE}"/>').message_id


def test_keepalive_leaves_a_living_session_alone(sshd, connect):
    session = connect(sshd, keepalive=0.05)
    with pytest.raises(TimeoutError):
        session.rpc("<silent/>", timeout=0.5)
    assert session.connected
    assert session.rpc("<echo/>").message_id


def test_keepalive_finds_a_peer_that_stopped(make_sshd, connect):
    server = make_sshd()
    session = connect(server, keepalive=0.1)
    stopped = server.sessions()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(SessionCloseError, match="no answer to 3 keepalives"):
            session.rpc("<echo/>", timeout=30)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_server_that_dies_ends_the_session_with_a_cause(sshd, connect):
    session = connect(sshd)
    with pytest.raises(SessionCloseError) as caught:
        session.rpc("<die/>")
    assert caught.value.closed_by == "peer"
    assert session.cause is caught.value
    with pytest.raises(TransportError):
        session.send("<a/>")


def test_sessions_leave_nothing(sshd, connect, leaves_nothing):
    for _ in range(10):
        with connect(sshd) as session:
            session.rpc("<echo/>")
