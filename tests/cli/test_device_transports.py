"""The command with servers over TLS and Unix sockets: what it shows, and what it asks for."""

from __future__ import annotations

import json
import ssl

import pytest
from benching import TINY

from ncwire._cli.failures import Exit
from servers.certificates import Authority
from servers.stream_server import tls_server, unix_server

PASSPHRASE = "correct horse"  # what the variable SECRET holds, see conftest.py


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("server")


@pytest.fixture
def server(authority, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.both)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with tls_server(context) as server:
        yield server


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "netconf.sock"
    with unix_server(str(path)):
        yield path


@pytest.fixture
def way(server, authority):
    """The arguments that lead to the server over TLS, but for the client's certificate."""
    url = f"netconf+tls://127.0.0.1:{server.port}"
    return [url, "-O", f"ca_certs={authority.certificate}"]


def presenting(certificate):
    return ["-O", f"certfile={certificate.certificate}", "-O", f"keyfile={certificate.key}"]


def test_the_hello_of_a_server_over_tls(run, way, authority, certificate):
    arguments = ["hello", *way, *presenting(authority.issue("admin"))]
    code, out, err = run(*arguments)

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert any(line.startswith("TLS: TLSv1.3, TLS_") for line in lines)
    assert "certificate: CN=server,O=ncwire" in lines
    assert f"certificate's SHA-256: {certificate.sha256}" in lines
    assert "driver: tls (the URL)" in lines
    assert "server:" not in out
    shown = json.loads(run(*arguments, "--json")[1])
    assert shown["certificate's SHA-256"] == certificate.sha256


def test_who_has_chosen_the_driver_is_told(run, path, tmp_path):
    inventory = tmp_path / "ncwire.toml"
    inventory.write_text(
        f'[devices.r1]\ndriver = "unix"\n[devices.r1.driver_options.unix]\npath = "{path}"\n'
    )
    ways = {
        "unix (the URL)": [f"netconf+unix://{path}"],
        "unix (the argument)": ["--driver", "unix", "-O", f"path={path}"],
        "unix (devices.r1, line 2)": ["r1", "--inventory", str(inventory)],
    }
    for told, arguments in ways.items():
        code, out, err = run("hello", *arguments)
        assert (code, err) == (0, "")
        assert f"driver: {told}" in out.splitlines()
        assert "server:" not in out
        assert "TLS" not in out


def over(path):
    return ["--driver", "unix", "-O", f"path={path}"]


def test_a_unix_socket_needs_no_host(run, path, tmp_path, monkeypatch):
    file = tmp_path / "get.xml"
    file.write_text("<get/>")
    for arguments in (
        ["--get", *over(path)],
        [*over(path), "--get-config", "running"],
        [*over(path), str(file)],
        [str(file), *over(path)],
        [f"netconf+unix://{path}", str(file)],
    ):
        code, out, err = run("rpc", *arguments)
        assert (code, err) == (0, "")
        assert "<rpc-reply" in out
    monkeypatch.setenv("NCWIRE_DRIVER", "unix")
    assert run("hello", "-O", f"path={path}")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hello"], "HOST: needed by driver 'paramiko': a device of the inventory, a name,"),
        (["hello", "--driver", "tls"], "HOST: needed by driver 'tls'"),
        (["rpc", "--get"], "HOST: needed by driver 'paramiko'"),
        (["hello", "r1", "--driver", "unix", "-O", "path=/p"], "HOST: 'r1' is no device of the"),
        (["rpc", "r1", "--get", "--driver", "unix", "-O", "path=/p"], "-O path=PATH"),
        (["rpc", "r1", "f", "--driver", "unix", "-O", "path=/p"], "HOST: 'r1' is no device of"),
        (["rpc", "r1"], "FILE: needed, or --get, or --get-config SOURCE"),
        (["rpc"], "FILE: needed"),
        (["rpc", "--driver", "unix", "-O", "path=/p"], "FILE: needed"),
        (["hello", "--driver", "unix"], "driver_options.path: needed"),
    ],
)
def test_what_is_missing_or_too_much_is_told(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_text("<get/>")
    code, out, err = run(*arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_the_passphrase_of_the_clients_key(run, way, authority):
    locked = presenting(authority.issue("locked", passphrase=PASSPHRASE))
    code, out, err = run("hello", *way, *locked, "--passphrase-env", "SECRET")
    assert (code, err) == (0, "")
    assert "session-id: " in out

    code, _, err = run("hello", *way, *locked, "--no-prompt")
    assert code == Exit.USAGE
    assert "passphrase: needed" in err
    assert "--passphrase-env" in err


def test_the_passphrase_is_asked_for_on_the_terminal(way, authority, on_terminal):
    locked = presenting(authority.issue("asked", passphrase=PASSPHRASE))
    terminal = on_terminal(["hello", *way, *locked])
    for word in ("wrong", PASSPHRASE):
        terminal.wait_for("Passphrase of the key")
        terminal.type(f"{word}\n")
    code, out = terminal.end()
    assert code == 0
    assert "session-id: " in out
    assert PASSPHRASE not in terminal.screen + out


def test_a_device_is_measured_by_the_driver_that_it_has(run, path, tmp_path):
    inventory = tmp_path / "ncwire.toml"
    inventory.write_text(
        f'[devices.r1]\ndriver = "unix"\n[devices.r1.driver_options.unix]\npath = "{path}"\n'
    )
    code, out, err = run("bench", "r1", "--inventory", str(inventory), *TINY)

    assert code == 0, err
    assert "from each driver (unix)" in err
    assert "Server: r1" in out
    assert "port None" not in out


def test_a_device_is_listed_without_what_means_nothing_to_its_transport(run, tmp_path):
    inventory = tmp_path / "ncwire.toml"
    inventory.write_text(
        '[defaults]\nusername = "admin"\nport = 22\ntimeout = 9\nkey_filename = "key"\n'
        '[devices.ssh]\n[devices.tls]\ndriver = "tls"\n[devices.unix]\ndriver = "unix"\n'
    )
    shown = json.loads(run("devices", "--json", "--inventory", str(inventory))[1])
    settings = {each["name"]: {*each["settings"]} for each in shown["devices"]}
    of_ssh = {"host", "port", "timeout", "username", "key_filename"}
    assert settings["ssh"] == of_ssh
    assert settings["tls"] == {"host", "port", "timeout", "driver"}
    assert settings["unix"] == {"host", "timeout", "driver"}
    code, out, _ = run("devices", "--inventory", str(inventory))
    assert code == 0
    assert [line.count("admin") for line in out.splitlines()] == [1, 0, 0]
