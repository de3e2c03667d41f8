import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring
from raw_client import over_tls, over_unix

import ncwire
from ncwire.errors import NcwireError
from ncwire.testing import EmbeddedServer, EmbeddedTLSServer, EmbeddedUnixServer

EVENTS = "urn:ietf:params:xml:ns:netconf:notification:1.0"


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer.spawn(
        username="bob", password="geheim", datastore="<a/>", base=["1.1"], capabilities=["urn:x"]
    ) as running:
        yield running


def test_session_with_a_process(server, ssh_client):
    client = ssh_client(server, username="bob", password="geheim")
    assert client.transport.get_remote_server_key().asbytes() == server.host_key.blob
    hello = [element.text for element in client.server_hello.iter()]
    assert "urn:x" in hello
    assert "urn:ietf:params:netconf:base:1.0" not in hello
    assert [element.tag for element in client.rpc("<get/>")[0]] == ["a"]


def test_notify_and_sessions(ssh_client):
    with EmbeddedServer.spawn() as server:
        assert server.sessions == 0
        client = ssh_client(server)
        assert server.sessions == 1
        client.rpc(f'<create-subscription xmlns="{EVENTS}"/>')
        assert server.notify("<event>\N{SNOWMAN}</event>") == 1
        assert fromstring(client.receive()).findtext("event") == "\N{SNOWMAN}"
        with pytest.raises(ValueError, match="well-formed"):
            server.notify("<event>")


def test_password_is_in_no_argument_and_no_repr(server):
    assert b"geheim" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert "geheim" not in repr(server)


def test_close_reaps_the_process():
    server = EmbeddedServer.spawn()
    server.close()
    server.close()
    assert not Path(f"/proc/{server.pid}").exists()
    with pytest.raises(NcwireError, match="ended"):
        server.notify("<event/>")


def test_process_that_died_is_noticed():
    with EmbeddedServer.spawn() as server:
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(NcwireError, match="ended"):
            server.notify("<event/>")


def test_failed_start_leaves_no_process(server, capfd):
    with pytest.raises(NcwireError, match="did not start"):
        EmbeddedServer.spawn(port=server.port)
    assert "in use" in capfd.readouterr().err


def run_module(*arguments, **options):
    # The package may be there by PYTHONPATH only, or installed.
    source = str(Path(ncwire.__path__[0]).parent)
    environment = os.environ | {"PYTHONPATH": source} | options.pop("environment", {})
    return subprocess.Popen(
        [sys.executable, "-m", "ncwire.testing", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        **options,
    )


def test_sigterm_ends_the_module():
    with run_module("--port=0") as process:
        assert process.stdout.readline().startswith(b'{"host"')
        process.terminate()
        assert process.wait(20) == 0


def test_unknown_request_is_answered():
    with run_module() as process:
        process.stdout.readline()
        for line in (b"[]\n", b"no JSON\n", b'["notify", 1]\n'):
            process.stdin.write(line)
            process.stdin.flush()
            assert process.stdout.readline().startswith(b'{"error"')
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_tls_server_has_a_process_of_its_own():
    with (
        EmbeddedTLSServer.spawn(username="ada", datastore="<a/>") as server,
        over_tls(server) as client,
    ):
        client.hello()
        assert client.rpc("<get/>").find("{*}data/a") is not None
        assert server.sessions == 1
        client.rpc(f'<create-subscription xmlns="{EVENTS}"/>')
        assert server.notify("<event/>") == 1
    assert not Path(server.driver_options["certfile"]).exists()
    assert not Path(f"/proc/{server.pid}").exists()


def test_a_unix_server_has_a_process_of_its_own(tmp_path):
    path = tmp_path / "netconf.sock"
    with (
        EmbeddedUnixServer.spawn(path=path, datastore="<a/>", base=["1.0"]) as server,
        over_unix(server.path) as client,
    ):
        assert server.driver_options == {"path": str(path)}
        client.hello()
        assert client.rpc("<get/>").find("{*}data/a") is not None
    assert not path.exists()


def test_a_tls_server_that_cannot_start_is_an_error(tmp_path):
    missing = tmp_path / "missing.pem"
    with pytest.raises(NcwireError, match="did not start"):
        EmbeddedTLSServer.spawn(certfile=missing, ca_certs=missing)
