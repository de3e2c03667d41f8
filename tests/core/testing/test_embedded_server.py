import contextlib
import gc
import socket
import struct
import threading

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from defusedxml.ElementTree import fromstring

from ncwire.testing import EmbeddedServer
from ncwire.testing.host_key import generate_host_key, load_host_key
from ncwire.testing.ssh_login import Login

BASE = "{urn:ietf:params:xml:ns:netconf:base:1.0}"
EVENTS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
SUBSCRIBE = f'<create-subscription xmlns="{EVENTS}"/>'
GET = "<get-config><source><running/></source>%s</get-config>"


@pytest.fixture
def server():
    with EmbeddedServer(datastore="<config><a/><b/></config>") as running:
        yield running


def user_key():
    key = load_host_key(generate_host_key())
    return key, f"{key.get_name()} {key.get_base64()} somebody@somewhere"


@pytest.fixture
def threads_of_servers():
    """Return the threads of servers that the test has started: others' may be running too."""
    before = threading.enumerate()

    def threads():
        begun = [thread for thread in threading.enumerate() if thread not in before]
        return [thread for thread in begun if thread.name.startswith("ncwire-server")]

    return threads


# --- the NETCONF session -----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_session_in_both_framings(server, ssh_client, version):
    client = ssh_client(server, version=version)
    assert client.id == "1"
    assert server.sessions == 1
    (data,) = client.rpc(GET % "<filter><b/></filter>")
    assert [element.tag for element in data] == ["b"]
    assert client.rpc("<close-session/>").find(f"{BASE}ok") is not None
    assert client.at_end()
    assert client.channel.recv_exit_status() == 0
    assert server.sessions == 0


def test_edit_candidate_and_commit(server, ssh_client):
    client = ssh_client(server)
    edit = "<edit-config><target><candidate/></target><config>%s</config></edit-config>"
    assert client.rpc(edit % '<c xmlns="urn:c">1</c>').find(f"{BASE}ok") is not None
    assert client.rpc("<commit/>").find(f"{BASE}ok") is not None
    (data,) = ssh_client(server).rpc(GET % "")
    assert [element.tag for element in data] == ["a", "b", "{urn:c}c"]


def test_lock_conflict_and_kill(server, ssh_client, rpc_error):
    holder, other = ssh_client(server), ssh_client(server)
    lock = "<lock><target><running/></target></lock>"
    assert holder.rpc(lock).find(f"{BASE}ok") is not None
    error = rpc_error(other.rpc(lock))
    assert (error["tag"], error["session-id"]) == ("lock-denied", holder.id)
    kill = f"<kill-session><session-id>{holder.id}</session-id></kill-session>"
    assert other.rpc(kill).find(f"{BASE}ok") is not None
    assert holder.at_end()
    assert other.rpc(lock).find(f"{BASE}ok") is not None


def test_a_vanished_client_gives_its_locks_back(server, ssh_client):
    holder, other = ssh_client(server), ssh_client(server)
    lock = "<lock><target><running/></target></lock>"
    holder.rpc(lock)
    assert other.rpc(lock).find(f"{BASE}ok") is None
    holder.transport.sock.shutdown(socket.SHUT_RDWR)
    while other.rpc(lock).find(f"{BASE}ok") is None:
        assert server.sessions


def test_notifications(server, ssh_client):
    client, other = ssh_client(server), ssh_client(server, version="1.0")
    assert server.notify("<unheard/>") == 0
    client.rpc(SUBSCRIBE)
    other.rpc(SUBSCRIBE)
    for number in range(50):
        assert server.notify(f'<event xmlns="urn:e">{number}</event>') == 2
    for subscriber in (client, other):
        received = [fromstring(subscriber.receive()) for _ in range(50)]
        assert [n.findtext("{urn:e}event") for n in received] == [str(n) for n in range(50)]


def test_notify_never_waits_for_a_client_that_does_not_read(server, ssh_client):
    client = ssh_client(server)
    client.rpc(SUBSCRIBE)
    # Far more than SSH's window and the socket's buffers hold.
    assert [server.notify(f"<event>{'x' * 1_000_000}</event>") for _ in range(20)] == [1] * 20


def test_session_ends_though_its_notifications_are_not_read(
    threads_of_servers, server, ssh_client
):
    client = ssh_client(server)
    client.rpc(SUBSCRIBE)
    server.notify(f"<event>{'x' * 10_000_000}</event>")
    threads = threads_of_servers()
    client.channel.shutdown_write()
    for thread in threads:
        if "acceptor" not in thread.name:
            thread.join(20)
            assert not thread.is_alive()


def test_notify_refuses_what_is_no_xml(server):
    with pytest.raises(ValueError, match="well-formed"):
        server.notify("<event>")


def test_large_reply_and_request(ssh_client):
    text = "0123456789abcdef" * (20 << 16)
    with EmbeddedServer(datastore=f'<big xmlns="urn:b">{text}</big>') as server:
        client = ssh_client(server)
        (data,) = client.rpc(GET % "")
        assert data.findtext("{urn:b}big") == text
        edit = "<edit-config><target><running/></target><config>%s</config></edit-config>"
        reply = client.rpc(edit % f'<big xmlns="urn:b">{text[::-1]}</big>')
        assert reply.find(f"{BASE}ok") is not None
        (data,) = client.rpc(GET % "")
        assert data.findtext("{urn:b}big") == text[::-1]


def test_twenty_sessions_at_once(server, ssh_client):
    clients = [ssh_client(server) for _ in range(20)]
    assert server.sessions == 20
    for client in clients:
        client.send(GET % "")
    for client in clients:
        assert len(fromstring(client.receive())[0]) == 2
    assert len({client.id for client in clients}) == 20


def test_several_sessions_on_one_connection(server, ssh_client):
    client = ssh_client(server)
    with client.transport.open_session(timeout=20) as channel:
        channel.invoke_subsystem("netconf")
        assert b"<session-id>2</session-id>" in channel.recv(65536)
        assert server.sessions == 2


# --- SSH ---------------------------------------------------------------------------------------


def test_host_key_is_fresh_and_as_told(server, ssh_client, tmp_path):
    client = ssh_client(server)
    assert client.transport.get_remote_server_key().asbytes() == server.host_key.blob
    with EmbeddedServer() as other:
        assert other.host_key != server.host_key
    server.write_known_hosts(tmp_path / "known_hosts")
    known = paramiko.HostKeys(str(tmp_path / "known_hosts"))
    assert known.check(f"[127.0.0.1]:{server.port}", client.transport.get_remote_server_key())


@pytest.mark.parametrize(
    ("key", "key_type"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ecdsa-sha2-nistp256"),
        (rsa.generate_private_key(65537, 2048), "ssh-rsa"),
    ],
    ids=["ecdsa", "rsa"],
)
def test_given_host_key(ssh_client, key, key_type):
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    with EmbeddedServer(private_host_key=text) as server:
        assert server.host_key.type == key_type
        presented = ssh_client(server).transport.get_remote_server_key()
        assert presented.asbytes() == server.host_key.blob


def test_repr_hides_the_password():
    with EmbeddedServer(password="geheim") as server:
        assert "geheim" not in repr(server)
        assert server.password == "geheim"


@pytest.mark.parametrize(
    "login",
    [{"password": "wrong"}, {"username": "root"}, {"password": ""}],
    ids=["password", "username", "empty"],
)
def test_wrong_login(server, ssh_client, login):
    with pytest.raises(paramiko.AuthenticationException):
        ssh_client(server, **login)
    assert ssh_client(server).id == "1"


def test_publickey(ssh_client):
    key, line = user_key()
    stranger, _ = user_key()
    with EmbeddedServer(password=None, authorized_keys=[line]) as server:
        assert ssh_client(server, pkey=key, password=None).id == "1"
        with pytest.raises(paramiko.AuthenticationException):
            ssh_client(server, pkey=stranger, password=None)
        with pytest.raises(paramiko.AuthenticationException):
            ssh_client(server, pkey=key, username="root", password=None)
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            ssh_client(server)
        assert refused.value.allowed_types == ["publickey"]


def test_keyboard_interactive():
    with (
        EmbeddedServer(auth_methods=["keyboard-interactive"]) as server,
        contextlib.closing(paramiko.Transport((server.host, server.port))) as transport,
    ):
        transport.start_client()
        for answers in (["wrong"], [], ["admin", "admin"]):
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_interactive("admin", lambda *_, a=answers: a)
        transport.auth_interactive("admin", lambda title, text, prompts: ["admin"])
        assert transport.is_authenticated()


def test_method_that_is_not_offered_is_refused_even_if_it_would_be_right():
    _, line = user_key()
    with (
        EmbeddedServer(authorized_keys=[line], auth_methods=["publickey"]) as server,
        contextlib.closing(paramiko.Transport((server.host, server.port))) as transport,
    ):
        transport.start_client()
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password("admin", "admin", fallback=False)
        asked = []
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_interactive("admin", lambda *_: asked.append(1) or ["admin"])
        assert not asked


@pytest.mark.parametrize("tries", [1, 3])
def test_max_auth_tries(tries):
    with (
        EmbeddedServer(max_auth_tries=tries) as server,
        contextlib.closing(paramiko.Transport((server.host, server.port))) as transport,
    ):
        transport.start_client()
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_none("admin")
        for _ in range(tries):
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("admin", "wrong", fallback=False)
        transport.join(20)
        assert not transport.is_active()


def test_auth_banner(ssh_client):
    with EmbeddedServer(auth_banner="keep out\n") as server:
        assert ssh_client(server).transport.get_banner() == b"keep out\n"


def test_unknown_subsystem_command_and_channel_are_refused(server, ssh_client):
    client = ssh_client(server, start=False)
    with pytest.raises(paramiko.SSHException):
        client.channel.invoke_subsystem("sftp")
    with pytest.raises(paramiko.SSHException):
        client.transport.open_session(timeout=20).exec_command("xml-mode netconf")
    with pytest.raises(paramiko.SSHException):
        client.transport.open_session(timeout=20).invoke_shell()
    with pytest.raises(paramiko.ChannelException):
        client.transport.open_channel("direct-tcpip", ("127.0.0.1", 1), ("127.0.0.1", 2))
    assert server.sessions == 0


def test_channel_starts_one_session_only(server, ssh_client):
    client = ssh_client(server)
    with pytest.raises(paramiko.SSHException):
        client.channel.invoke_subsystem("netconf")


def test_other_subsystem_and_command(ssh_client):
    command = "xml-mode netconf need-trailer"
    with EmbeddedServer(subsystems=["xmlagent"], commands=[command]) as server:
        client = ssh_client(server, start=False)
        client.channel.exec_command(command)
        assert b"<hello" in client.channel.recv(65536)
        assert server.last_session.request == command
        with client.transport.open_session(timeout=20) as channel:
            channel.invoke_subsystem("xmlagent")
            assert b"<hello" in channel.recv(65536)
            assert server.last_session.request == "xmlagent"


def test_environment_is_recorded(server, ssh_client):
    assert server.last_session is None
    ssh_client(server, environment={"LANG": "C.UTF-8", "NETCONF_BASE": "1.1"})
    assert server.last_session.username == "admin"
    assert server.last_session.environment == {"LANG": "C.UTF-8", "NETCONF_BASE": "1.1"}


def test_client_may_renegotiate_keys(server, ssh_client):
    client = ssh_client(server)
    client.transport.renegotiate_keys()
    assert len(client.rpc(GET % "")[0]) == 2


# --- scripts -----------------------------------------------------------------------------------


def test_script_replaces_the_netconf_server(ssh_client):
    def script(stream):
        stream.send(b"ready")
        while data := stream.recv(100):
            stream.send(data.upper())
            if data == b"end":
                return

    with EmbeddedServer(script=script) as server:
        channel = ssh_client(server, start=False).channel
        channel.invoke_subsystem("netconf")
        assert channel.recv(100) == b"ready"
        channel.sendall(b"abc")
        assert channel.recv(100) == b"ABC"
        channel.sendall(b"end")
        assert channel.recv(100) == b"END"
        assert channel.recv(100) == b""


def test_script_that_raises_ends_its_session_only(ssh_client, caplog):
    def script(stream):
        stream.send(b"x")
        raise RuntimeError("fault of the script")

    with EmbeddedServer(script=script) as server:
        for _ in range(2):
            channel = ssh_client(server, start=False).channel
            channel.invoke_subsystem("netconf")
            assert channel.recv(100) == b"x"
            assert channel.recv(100) == b""
    assert "fault of the script" in caplog.text


def test_session_begins_after_its_request_was_answered(ssh_client):
    with EmbeddedServer(script=lambda stream: None) as server:
        client = ssh_client(server, start=False)
        for _ in range(20):
            channel = client.transport.open_session(timeout=20)
            channel.invoke_subsystem("netconf")
            assert channel.recv(1) == b""


def test_send_after_the_end_raises(ssh_client):
    outcome = []
    done = threading.Event()

    def script(stream):
        while stream.recv():
            pass
        with pytest.raises(ConnectionError) as raised:
            stream.send(b"x" * 10_000_000)
        outcome.append(raised.value)
        done.set()

    with EmbeddedServer(script=script) as server:
        client = ssh_client(server, start=False)
        client.channel.invoke_subsystem("netconf")
        client.channel.close()
        assert done.wait(20)
    assert outcome


def test_what_a_client_sent_before_it_broke_off_is_read_first(ssh_client):
    """Reading opens the window, and a message that cannot be sent takes nothing along."""
    sent = bytes(range(256)) * 1200
    held, begin, done = threading.Event(), threading.Event(), threading.Event()
    came = []

    class Held(Login):
        def check_global_request(self, _kind, _message):  # in the thread that would see the end
            held.set()
            assert done.wait(20)
            return False

    def script(stream):
        assert begin.wait(20)
        try:
            came.append(stream.recv(2 * len(sent)))
        finally:
            done.set()

    with EmbeddedServer(script=script, login=Held) as server:
        client = ssh_client(server, start=False)
        client.channel.invoke_subsystem("netconf")
        client.channel.sendall(sent)
        client.transport.global_request("hold@example.org", wait=False)
        assert held.wait(20)
        linger = struct.pack("ii", 1, 0)
        client.transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.close()
        begin.set()
        assert done.wait(20)
    assert came == [sent]


# --- bad clients, life and end -----------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-x\r\n" + b"\xff" * 5000,
        b"x" * 100000,
    ],
    ids=["nothing", "nul", "http", "after-banner", "long"],
)
def test_garbage_harms_no_other(server, ssh_client, garbage):
    # The server may cut the connection before all of it is sent.
    with (
        socket.create_connection((server.host, server.port), timeout=20) as sock,
        contextlib.suppress(OSError),  # ENOTCONN is no ConnectionError
    ):
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    assert ssh_client(server).id == "1"


def test_failed_handshake_leaves_no_thread():
    before = set(threading.enumerate())
    with (
        EmbeddedServer() as server,
        socket.create_connection((server.host, server.port), timeout=20) as sock,
        contextlib.suppress(ConnectionError),
    ):
        sock.sendall(b"SSH-2.0-x\r\n" + b"\xff" * 5000)
        while sock.recv(65536):
            pass
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("sent", [b"", b"SSH-2.0-silent\r\n"], ids=["connected", "banner"])
def test_silent_client_is_cut(sent):
    with (
        EmbeddedServer(handshake_timeout=0.2) as server,
        socket.create_connection((server.host, server.port), timeout=20) as sock,
    ):
        sock.sendall(sent)
        while sock.recv(65536):
            pass


def test_client_without_a_session_is_cut(ssh_client):
    with EmbeddedServer(handshake_timeout=3) as server:
        never, ended, busy = (
            ssh_client(server, start=False),
            ssh_client(server),
            ssh_client(server),
        )
        ended.rpc("<close-session/>")
        for client in (never, ended):
            client.transport.join(20)
            assert not client.transport.is_active()
        assert busy.rpc("<get/>").find(f"{BASE}data") is not None


def test_close_ends_everything_and_may_be_repeated(threads_of_servers, ssh_client):
    before = set(threading.enumerate())
    server = EmbeddedServer()
    busy, unread, fresh = ssh_client(server), ssh_client(server), ssh_client(server, start=False)
    unread.rpc(SUBSCRIBE)
    for _ in range(10):
        server.notify(f"<event>{'x' * 1_000_000}</event>")
    half_open = socket.create_connection((server.host, server.port))
    server.close()
    server.close()
    assert threads_of_servers() == []
    for client in (busy, unread, fresh):
        client.close()
    half_open.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionError):
        socket.create_connection((server.host, server.port))
    gc.collect()


def test_close_from_a_session(ssh_client):
    closed = threading.Event()

    def script(stream):
        server.close()
        closed.set()

    server = EmbeddedServer(script=script)
    client = ssh_client(server, start=False)
    with contextlib.suppress(paramiko.SSHException):
        client.channel.invoke_subsystem("netconf")
    assert closed.wait(20)


def test_close_is_bounded_though_a_script_goes_on(threads_of_servers, ssh_client, caplog):
    started, may_end = threading.Event(), threading.Event()

    def script(stream):
        started.set()
        may_end.wait(60)

    server = EmbeddedServer(script=script)
    client = ssh_client(server, start=False)
    client.channel.invoke_subsystem("netconf")
    assert started.wait(20)
    server.close(timeout=0.1)
    assert "1 connections did not end" in caplog.text
    may_end.set()
    for thread in threads_of_servers():
        thread.join(20)


def test_served_socket(server):
    ours, theirs = socket.socketpair()
    server.serve(theirs)
    with contextlib.closing(paramiko.Transport(ours)) as transport:
        transport.connect(username="admin", password="admin")
        channel = transport.open_session(timeout=20)
        channel.invoke_subsystem("netconf")
        assert b"<hello" in channel.recv(65536)


def test_closed_server_serves_nothing(server):
    server.close()
    ours, theirs = socket.socketpair()
    with ours, pytest.raises(OSError, match="closed"):
        server.serve(theirs)
    assert theirs.fileno() == -1


@pytest.mark.parametrize(
    "options",
    [
        {"base": ["3.0"]},
        {"datastore": "<a>"},
        {"authorized_keys": ["x"]},
        {"private_host_key": "x"},
        {"host_certificate": "ssh-ed25519 AAAA"},
    ],
)
def test_bad_option_leaves_nothing_open(options):
    with pytest.raises(ValueError, match=r"."):
        EmbeddedServer(**options)
    gc.collect()


def test_port_in_use(server):
    with pytest.raises(OSError, match="in use"):
        EmbeddedServer(port=server.port)
    gc.collect()
