"""The embedded server's SSH: its keys, who may log in, and what can be asked of a channel."""

import contextlib

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from embedded import GET

from ncwire.testing import EmbeddedServer
from ncwire.testing.host_key import generate_host_key, load_host_key


def user_key():
    key = load_host_key(generate_host_key())
    return key, f"{key.get_name()} {key.get_base64()} somebody@somewhere"


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
