"""The parameters of `connect` and the life of a session, against OpenSSH's sshd."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

import ncwire
from ncwire import SSHSession, Timeouts
from ncwire._plugins import registry
from ncwire._protocol.rpc import wrap_rpc
from ncwire.driver import Feature
from ncwire.errors import (
    AuthenticationError,
    ChannelError,
    ConnectError,
    HelloMissingError,
    HelloTimeoutError,
    KnownHostsFileError,
    OptionError,
    SessionCloseError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
    StepTimeoutError,
    TransportError,
)
from ncwire.testing import EmbeddedServer, FaultProxy

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024


def public_key(path: Path) -> str:
    return public_line(path)[1]


def public_line(path: Path) -> list[str]:
    return path.with_name(path.name + ".pub").read_text().split()[:2]


@contextmanager
def leaving_nothing():
    """What happens inside leaves no thread and no fd behind."""

    def open_fds() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    threads, fds = threading.active_count(), open_fds()
    yield
    assert threading.active_count() == threads
    assert open_fds() == fds


@pytest.fixture
def leaves_nothing():
    """The test leaves no thread and no fd behind; for tests that start no server."""
    with leaving_nothing():
        yield


def test_rpc_and_what_is_known_of_the_session(sshd, connect, driver):
    session = connect(sshd)
    assert "<x>é</x>" in session.rpc("<echo><x>é</x></echo>").raw
    assert session.transport is not None
    assert (session.host, session.port) == (sshd.host, sshd.port)
    assert session.channel_info.server_version.startswith("SSH-2.0-OpenSSH")
    session.close()
    assert session.transport is None


# --- host keys ---------------------------------------------------------------------------------


def test_unknown_host_is_refused_with_its_fingerprint(sshd, connect, tmp_path, leaves_nothing):
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(SSHUnknownHostError) as caught:
        connect(sshd, known_hosts=empty)
    assert caught.value.key_type == "ssh-ed25519"
    assert caught.value.sha256.startswith("SHA256:")
    assert len(caught.value.fingerprint.split(":")) == 16


@pytest.mark.parametrize("answer", [True, False])
def test_callback_decides_on_an_unknown_host(sshd, connect, tmp_path, answer):
    asked = []
    empty = tmp_path / "known_hosts"
    empty.touch()

    def unknown_host_cb(host, fingerprint):
        asked.append((host, fingerprint))
        return answer

    if answer:
        assert connect(sshd, known_hosts=empty, unknown_host_cb=unknown_host_cb).connected
    else:
        with pytest.raises(SSHUnknownHostError):
            connect(sshd, known_hosts=empty, unknown_host_cb=unknown_host_cb)
    assert len(asked) == 1
    assert asked[0][1].count(":") == 15


def test_changed_key_is_refused_and_the_callback_not_asked(sshd, connect, tmp_path, key_ring):
    other = public_key(key_ring.key("another", "ed25519"))
    known = tmp_path / "known_hosts"
    known.write_text(f"# old\n[{sshd.host}]:{sshd.port} ssh-ed25519 {other}\n")
    with pytest.raises(SSHHostKeyChangedError, match="known_hosts:2") as caught:
        connect(sshd, known_hosts=known, unknown_host_cb=lambda host, fingerprint: True)
    assert (caught.value.filename, caught.value.line) == (str(known), 2)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_key_type_on_file_is_the_one_negotiated(sshd, connect, tmp_path, kind):
    name = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256", "rsa": "ssh-rsa"}[kind]
    known = tmp_path / "known_hosts"
    known.write_text(f"[{sshd.host}]:{sshd.port} {name} {public_key(sshd.host_keys[kind])}\n")
    assert connect(sshd, known_hosts=known).connected


def test_hostkey_b64_pins(sshd, connect, key_ring):
    pinned = public_key(sshd.host_keys["ed25519"])
    assert connect(sshd, known_hosts="/dev/null", hostkey_b64=pinned).connected
    with pytest.raises(SSHHostKeyMismatchError):
        connect(
            sshd,
            hostkey_b64=public_key(key_ring.key("another", "ed25519")),
            unknown_host_cb=lambda host, fingerprint: True,
        )


def test_revoked_key_is_refused_and_the_callback_not_asked(sshd, connect, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(
        f"{sshd.known_hosts.read_text()}@revoked * ssh-ed25519 "
        f"{public_key(sshd.host_keys['ed25519'])}\n"
    )
    with pytest.raises(SSHHostKeyRevokedError, match=r"known_hosts:4$"):
        connect(sshd, known_hosts=known, unknown_host_cb=lambda host, fingerprint: True)


@pytest.fixture
def certified(make_sshd, key_ring):
    """Start an sshd whose ed25519 key is certified; the arguments are more of ssh-keygen's."""

    def start(*arguments):
        certificate = key_ring.host_certificate(
            key_ring.key("host"), key_ring.key("ca"), *arguments
        )
        return make_sshd(config=f"HostCertificate {certificate}")

    return start


def takes_certificates(driver):
    return Feature.HOST_CERTIFICATE in registry.choose(driver).features


def test_host_certificate_is_good_by_its_authority(certified, connect, driver, key_ring, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority 127.* ssh-ed25519 {public_key(key_ring.key('ca'))}\n")
    server = certified("-n", "127.0.0.1")
    if takes_certificates(driver):
        session = connect(server, known_hosts=known)
        assert session.channel_info.host_key_type == "ssh-ed25519-cert-v01@openssh.com"
        assert session.rpc("<echo/>").message_id
        return
    with leaving_nothing(), pytest.raises(SSHUnknownHostError) as caught:
        connect(server, known_hosts=known)
    assert f"known_hosts:1 has an authority for it, but driver {driver!r} cannot" in str(
        caught.value
    )
    assert "these drivers do: paramiko" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-n", "elsewhere"), "is for 'elsewhere'"),
        (("-V", "20200101:20210101"), "has expired on"),
    ],
)
def test_host_certificate_that_is_not_good_counts_for_its_key(
    certified, connect, driver, key_ring, tmp_path, arguments, reason
):
    server = certified(*arguments)
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * ssh-ed25519 {public_key(key_ring.key('ca'))}\n")
    with leaving_nothing(), pytest.raises(SSHUnknownHostError) as caught:
        connect(server, known_hosts=known)
    assert (reason if takes_certificates(driver) else "cannot take") in caught.value.certificate
    with known.open("a") as file:
        file.write(server.known_hosts.read_text())
    assert connect(server, known_hosts=known).connected


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_host_certificate_of_each_type(make_sshd, connect, driver, key_ring, tmp_path, kind):
    if not takes_certificates(driver):
        pytest.skip(f"{driver} takes no host certificates")
    ca = key_ring.key("ca", kind)
    certificate = key_ring.host_certificate(key_ring.key("host", kind), ca)
    server = make_sshd(config=f"HostCertificate {certificate}")
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {' '.join(public_line(ca))}\n")
    session = connect(server, known_hosts=known)
    assert session.channel_info.host_key_type.endswith("-cert-v01@openssh.com")


def test_revoked_authority_is_refused(certified, connect, driver, key_ring, tmp_path):
    ca = f"* ssh-ed25519 {public_key(key_ring.key('ca'))}\n"
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority {ca}@revoked {ca}")
    server = certified()
    with leaving_nothing(), pytest.raises(SSHUnknownHostError) as caught:
        connect(server, known_hosts=known)
    if takes_certificates(driver):
        assert isinstance(caught.value, SSHHostKeyRevokedError)
        assert caught.value.line == 2


def test_hostkey_b64_pins_the_key_that_has_a_certificate(certified, connect, key_ring, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * ssh-ed25519 {public_key(key_ring.key('ca'))}\n")
    pinned = public_key(key_ring.key("host"))
    server = certified()
    assert connect(server, known_hosts=known, hostkey_b64=pinned).connected
    with pytest.raises(SSHHostKeyMismatchError):
        connect(server, known_hosts=known, hostkey_b64=public_key(key_ring.key("ca")))


def test_new_host_is_added_and_known_from_then_on(sshd, driver, tmp_path):
    known = tmp_path / "new" / "known_hosts"
    parameters = {
        "port": sshd.port, "driver": driver, "known_hosts": known, "username": sshd.user,
        "key_filename": sshd.client_key, "allow_agent": False, "look_for_keys": False,
    }  # fmt: skip
    ncwire.connect(sshd.host, **parameters, accept_new=True).close()
    (line,) = known.read_text().splitlines()
    key = public_key(sshd.host_keys["ed25519"])
    assert line == f"[{sshd.host}]:{sshd.port} ssh-ed25519 {key}"
    assert (known.stat().st_mode & 0o777, known.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    ncwire.connect(sshd.host, **parameters).close()
    ncwire.connect(sshd.host, **parameters, accept_new=True).close()
    assert known.read_text() == f"{line}\n"


def test_changed_or_revoked_key_is_never_added(sshd, connect, tmp_path, key_ring):
    known = tmp_path / "known_hosts"
    for text, kind in (
        (f"* ssh-ed25519 {public_key(key_ring.key('another'))}\n", SSHHostKeyChangedError),
        (f"@revoked * ssh-ed25519 {public_key(key_ring.key('host'))}\n", SSHHostKeyRevokedError),
    ):
        known.write_text(text)
        with leaving_nothing(), pytest.raises(kind):
            connect(sshd, known_hosts=known, accept_new=True)
        assert known.read_text() == text


@pytest.mark.parametrize("answer", [True, False])
def test_callback_decides_whether_a_new_host_is_added(sshd, connect, tmp_path, answer):
    known = tmp_path / "known_hosts"
    known.touch()
    with nullcontext() if answer else pytest.raises(SSHUnknownHostError):
        connect(sshd, known_hosts=known, accept_new=True, unknown_host_cb=lambda host, key: answer)
    assert bool(known.read_text()) is answer


def test_host_whose_key_cannot_be_added_is_not_let_in(sshd, driver, tmp_path):
    known = tmp_path / "missing" / "too" / "known_hosts"
    with leaving_nothing(), pytest.raises(KnownHostsFileError, match=r"known_hosts: .*No such"):
        ncwire.connect(
            sshd.host,
            port=sshd.port,
            driver=driver,
            known_hosts=known,
            accept_new=True,
            password="never sent",
        )


def test_hostkey_verify_false_skips_known_hosts(sshd, connect):
    assert connect(sshd, hostkey_verify=False).connected


# --- authentication ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_key_file_of_each_type(make_sshd, connect, key_ring, kind):
    key = key_ring.key("user", kind)
    assert connect(make_sshd(authorized_keys=[key]), key_filename=str(key)).connected


def test_denied_key_is_reported_without_the_key(sshd, connect, key_ring, leaves_nothing):
    key = key_ring.key("stranger", "ed25519")
    with pytest.raises(AuthenticationError, match=r"stranger.*denied") as caught:
        connect(sshd, key_filename=str(key))
    assert caught.value.attempts


def test_password(make_sshd, connect, account):
    server = make_sshd(user=account.name, config="PasswordAuthentication yes")
    assert connect(server, key_filename=None, password=account.password).connected


def test_wrong_password_is_never_shown(make_sshd, connect, account, caplog):
    caplog.set_level("DEBUG")
    server = make_sshd(user=account.name, config="PasswordAuthentication yes")
    with pytest.raises(AuthenticationError, match="password: denied") as caught:
        connect(server, key_filename=None, password="not-the-secret")
    assert "not-the-secret" not in str(caught.value) + repr(caught.value) + caplog.text


def test_agent(make_sshd, connect, ssh_agent, key_ring):
    key = key_ring.key("in-agent", "ed25519")
    ssh_agent.add(key)
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=None, allow_agent=True).connected
    with pytest.raises(AuthenticationError):
        connect(server, key_filename=None, allow_agent=False)


def test_keys_in_the_usual_places(make_sshd, connect, key_ring, tmp_path, monkeypatch):
    key = key_ring.key("usual", "ed25519")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(key.read_bytes())
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=None, look_for_keys=True).connected
    with pytest.raises(AuthenticationError):
        connect(server, key_filename=None, look_for_keys=False)


def test_publickey_comes_before_password(make_sshd, connect, account, key_ring):
    key = key_ring.key("user", "ed25519")
    server = make_sshd(
        user=account.name,
        authorized_keys=[key],
        config="AuthenticationMethods publickey,password\nPasswordAuthentication yes",
    )
    session = connect(server, key_filename=str(key), password=account.password)
    assert session.connected


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
