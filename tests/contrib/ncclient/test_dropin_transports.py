"""ncclient's other sessions: TLS and Unix sockets, and devices that call home."""

from __future__ import annotations

import gc
import socket
import ssl
import threading

import pytest
from drop_in_arguments import arguments_for
from ncclient import NCClientError, manager
from ncclient.transport import errors as theirs
from ncclient.transport.tls import TLSSession

import ncwire
from ncwire.contrib import ncclient as drop_in
from ncwire.errors import NcwireError
from ncwire.testing import EmbeddedTLSServer, EmbeddedUnixServer
from waiting import eventually


@pytest.fixture
def in_place():
    drop_in.install()
    yield
    drop_in.uninstall()


@pytest.fixture(scope="module")
def tls_server():
    with EmbeddedTLSServer() as server:
        yield server


def tls_arguments(server, **others):
    return {
        "host": server.host,
        "port": server.port,
        "protocol": ssl.PROTOCOL_TLS_CLIENT,
        **server.driver_options,
        "timeout": 20,
        **others,
    }


def test_tls(in_place, tls_server):
    with manager.connect_tls(**tls_arguments(tls_server)) as found:
        assert found.get_config("running").ok
        assert found._session.is_alive()
        assert found._session._socket.getpeername() == (tls_server.host, tls_server.port)
        assert found._session.transport.is_active()
    assert not found.connected
    assert not found._session.is_alive()


@pytest.mark.parametrize("by_hub", [False, True])
def test_single_sessions_without_installing(tls_server, by_hub):
    with ncwire.Hub() as hub, EmbeddedUnixServer() as unix_server:
        more = {"hub": hub, "profile": "junos"} if by_hub else {}
        over_tls = drop_in.connect_tls(**tls_arguments(tls_server), **more)
        over_uds = drop_in.connect_uds(
            path=str(unix_server.path), manager_params={"timeout": 7}, **more
        )
        for found in (over_tls, over_uds):
            assert type(found) is manager.Manager
            assert found.get_config("running").ok
            assert type(found._session.transport).__module__.startswith("ncwire")
        assert (over_tls.timeout, over_uds.timeout) == (20, 7)
        assert len(hub) == (2 if by_hub else 0)
        for found in (over_tls, over_uds):
            found.close_session()
            assert not found.connected
    assert TLSSession.connect.__module__ == "ncclient.transport.tls"


def test_a_missing_protocol_says_what_to_give(tls_server):
    with pytest.raises(theirs.TLSError, match=r"protocol=ssl\.PROTOCOL_TLS_CLIENT"):
        drop_in.connect_tls(**tls_arguments(tls_server, protocol=None))


def test_tls_as_ncclient_does_it_itself(tls_server):
    found = manager.connect_tls(**tls_arguments(tls_server))
    assert found.get_config("running").ok
    found._session._socket.shutdown(socket.SHUT_RDWR)
    found._session.join(20)
    found._session._socket.close()


TLS_MISTAKES = {
    "no host": {"host": None},
    "no certificate": {"certfile": None},
    "no protocol": {"protocol": None},
    "certificate missing": {"certfile": "/nonexistent/certificate.pem"},
    "authority missing": {"ca_certs": "/nonexistent/authority.pem"},
    "port refused": {"port": 1},
    "name not resolved": {"host": "no-such-host.invalid"},
    "another's name": {"server_hostname": "another.example.net"},
}


@pytest.mark.parametrize("mistake", TLS_MISTAKES)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_mistakes_over_tls_are_caught_as_ncclients(tls_server, mistake):
    arguments = tls_arguments(tls_server, **TLS_MISTAKES[mistake])
    assert own_error(arguments) is theirs.TLSError
    gc.collect()  # of the sockets that it leaves open
    drop_in.install()
    try:
        with pytest.raises(theirs.TLSError) as raised:
            manager.connect_tls(**arguments)
    finally:
        drop_in.uninstall()
    assert isinstance(raised.value, NcwireError)


def own_error(arguments):
    with pytest.raises(theirs.TLSError) as raised:
        manager.connect_tls(**arguments)
    return type(raised.value)


def test_a_unix_socket(in_place):
    with EmbeddedUnixServer() as server:
        with manager.connect_uds(path=str(server.path), timeout=20) as found:
            assert found.get_config("running").ok
            assert found._session.is_alive()
        assert not found.connected


@pytest.mark.parametrize("path", ["/nonexistent/socket", None])
def test_mistakes_over_a_unix_socket(in_place, path):
    with pytest.raises(theirs.UnixSocketError, match=r"^Could not connect to") as raised:
        manager.connect_uds(path=path)
    assert isinstance(raised.value, NcwireError)


def calls(server, port):
    """Connect to the client, and carry its bytes to the server: a device that calls home."""
    with (
        socket.create_connection(("127.0.0.1", port)) as near,
        socket.create_connection((server.host, server.port)) as far,
    ):
        back = threading.Thread(target=carry, args=(far, near))
        back.start()
        carry(near, far)
        back.join()


def carry(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other has ended it


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_device_that_calls_home(driver, server):
    port = free_port()
    device = threading.Thread(target=until_it_listens, args=(server, port))
    device.start()
    arguments = arguments_for(server, host="127.0.0.1", port=port)
    with drop_in.call_home(driver=driver, **arguments) as found:
        assert found.get_config("running").ok
        assert found._session.transport.sock.getpeername()[0] == "127.0.0.1"
    device.join()


def until_it_listens(server, port):
    def called():
        try:
            calls(server, port)
        except ConnectionRefusedError:
            return False
        return True

    eventually(called)


def test_nobody_calls_home(server):
    arguments = arguments_for(server, host="127.0.0.1", port=free_port(), timeout=0.1)
    with pytest.raises(NcwireError, match="waiting for a call") as raised:
        drop_in.call_home(**arguments)
    assert isinstance(raised.value, NCClientError)
    assert isinstance(raised.value, TimeoutError)
