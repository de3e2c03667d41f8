"""Servers over TLS and Unix sockets, described in an inventory, a URL or on the command line."""

from __future__ import annotations

import ssl

import pytest

import ncwire
from ncwire import Inventory
from ncwire._cli import main
from ncwire._cli.failures import Exit
from ncwire.errors import OptionError, UnsupportedOption
from ncwire.probe import probe
from servers.certificates import Authority
from servers.stream_server import tls_server, unix_server

MIXED = """
[defaults]
username = "netops"
password = {env = "SECRET"}
known_hosts = "known_hosts"
port = 22
keepalive_count = 2
[groups.tls]
port = PORT
driver_options.tls.ca_certs = "authority.pem"
driver_options.tls.certfile = "client-both.pem"
"""


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("SSH_AUTH_SOCK", "NCWIRE_CONFIG", "SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def unix(tmp_path):
    """The path of a socket at which a server listens."""
    path = tmp_path / "netconf.sock"
    with unix_server(str(path)):
        yield path


@pytest.fixture
def tls(tmp_path):
    """A server; its authority's and a client's certificate are in the folder."""
    authority = Authority(tmp_path)
    server = authority.issue("server")
    authority.issue("client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with tls_server(context) as server:
        yield server


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "ncwire.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def run(capfd):
    def run(*arguments):
        code = main(arguments)
        return code, *capfd.readouterr()

    return run


class TestUnixSocket:
    def test_by_a_url(self, unix):
        with ncwire.connect(f"netconf+unix://{unix}") as session:
            assert type(session) is ncwire.UnixSocketSession
            assert session.path == str(unix)
            assert session.rpc("<get/>").raw

    def test_by_a_name_in_the_abstract_namespace(self, tmp_path):
        name = f"ncwire-{tmp_path.name}"
        with (
            unix_server(f"\0{name}"),
            ncwire.connect(f"netconf+unix://?path=%40{name}") as session,
        ):
            assert session.path == f"@{name}"

    def test_by_the_command(self, run, unix):
        code, out, err = run("hello", f"netconf+unix://{unix}", "--no-prompt")
        assert (code, err) == (0, "")
        assert "driver: unix" in out
        assert "host: " not in out
        assert "port: " not in out
        assert "server: " not in out
        assert "library: unix\n" in out

    def test_by_options_of_the_command(self, run, unix):
        code, out, err = run("hello", "--driver", "unix", "-O", f"path={unix}")
        assert (code, err) == (0, "")
        assert "driver: unix" in out

    @pytest.mark.parametrize(
        "described",
        [
            'host = "netconf+unix://{path}"',
            'driver = "unix"\ndriver_options.unix.path = "{path}"',
            'driver = "unix"\ndriver_options.unix.path = "netconf.sock"',
        ],
    )
    def test_by_an_inventory_whose_defaults_are_for_ssh(self, write, unix, described, run):
        path = write(MIXED.replace("PORT", "1") + f"[devices.r1]\n{described.format(path=unix)}")
        device = Inventory.load(path).device("r1")
        device.verify()
        with device.connect() as session:
            assert session.path == str(unix)
        code, out, _ = run("hello", "r1", "--inventory", str(path), "--no-prompt")
        assert code == 0
        assert "driver: unix" in out

    def test_an_abstract_name_in_an_inventory_is_no_path(self, write, tmp_path):
        name = f"@ncwire-{tmp_path.name}"
        path = write(f'[devices.r1]\ndriver = "unix"\ndriver_options.unix.path = "{name}"')
        with unix_server(name.replace("@", "\0")), Inventory.load(path).connect("r1") as session:
            assert session.path == name

    @pytest.mark.parametrize(
        ("line", "kind", "problem"),
        [
            ('username = "x"', UnsupportedOption, "username"),
            ("port = 830", OptionError, "a Unix socket has none"),
            ('known_hosts = "x"', UnsupportedOption, "known_hosts"),
        ],
    )
    def test_what_the_device_itself_says_to_ssh_is_refused(self, write, unix, line, kind, problem):
        path = write(f'[devices.r1]\nhost = "netconf+unix://{unix}"\n{line}')
        device = Inventory.load(path).device("r1")
        for way in (device.verify, device.connect):
            with pytest.raises(kind, match=problem):
                way()

    def test_a_port_in_the_url_is_refused(self, unix):
        with pytest.raises(OptionError, match="a Unix socket has none"):
            ncwire.connect(f"netconf+unix://:830{unix}")


class TestTLS:
    def test_by_a_url(self, tls, tmp_path):
        url = f"netconf+tls://127.0.0.1:{tls.port}?certfile={tmp_path}/client-both.pem"
        trusted = {"ca_certs": tmp_path / "authority.pem"}
        with ncwire.connect(url, driver_options=trusted) as session:
            assert type(session) is ncwire.TLSSession
            assert session.rpc("<get/>").raw

    @pytest.mark.parametrize(
        "described",
        ['host = "netconf+tls://127.0.0.1"', 'host = "127.0.0.1"\ndriver = "tls"'],
    )
    def test_by_an_inventory_whose_defaults_are_for_ssh(self, write, tls, described, run):
        text = MIXED.replace("PORT", str(tls.port))
        path = write(f'{text}[devices.r1]\ngroups = "tls"\n{described}')
        device = Inventory.load(path).device("r1")
        device.verify()
        with device.connect() as session:
            assert session.port == tls.port
        code, out, err = run("check", "--connect", "--inventory", str(path))
        assert (code, out) == (0, "r1: ok: " + out.removeprefix("r1: ok: ")), err

    def test_a_profile_has_its_options(self, tls, tmp_path):
        (tmp_path / "lab.toml").write_text(
            'driver = "tls"\n[driver_options.tls]\n'
            'certfile = "client-both.pem"\nminimum_version = "TLSv1.3"\n'
        )
        session = ncwire.connect(
            "127.0.0.1",
            port=tls.port,
            profile=tmp_path / "lab.toml",
            driver_options={"ca_certs": tmp_path / "authority.pem"},
        )
        with session:
            assert session.driver_choice.name == "tls"

    @pytest.mark.parametrize(
        "line",
        [
            'ca_certs = "authority.pem"',
            "check_hostname = false",
            'server_hostname = "r9"',
            f'fingerprint = "{"00" * 32}"',
        ],
    )
    def test_a_profile_says_nothing_of_whom_to_trust(self, tls, tmp_path, line):
        (tmp_path / "lab.toml").write_text(f'driver = "tls"\n[driver_options.tls]\n{line}\n')
        with pytest.raises(OptionError, match="no profile does"):
            ncwire.connect("127.0.0.1", port=tls.port, profile=tmp_path / "lab.toml")

    def test_a_url_says_nothing_of_whom_to_trust(self, run, tls):
        url = f"netconf+tls://127.0.0.1:{tls.port}?ca_certs=authority.pem"
        with pytest.raises(OptionError, match="which no URL does"):
            ncwire.connect(url)
        code, _, err = run("hello", url, "--no-prompt")
        assert code == Exit.USAGE
        assert "driver_options.ca_certs: decides whom to trust" in err

    def test_the_passphrase_is_not_taken_on_the_command_line(self, run, tls):
        url = f"netconf+tls://127.0.0.1:{tls.port}"
        for arguments in ((url, "-O", "passphrase=hunter2"), (f"{url}?passphrase=hunter2",)):
            code, out, err = run("hello", *arguments, "--no-prompt")
            assert code == Exit.USAGE
            assert "driver_options.passphrase: is secret" in err
            assert "hunter2" not in out + err


@pytest.mark.parametrize("url", ["netconf+unix:///run/x", "netconf+tls://127.0.0.1"])
def test_a_probe_says_that_it_is_for_ssh(run, url):
    with pytest.raises(OptionError, match="a probe looks at SSH servers"):
        probe(url)
    code, _, err = run("probe", url, "--no-prompt")
    assert code == Exit.USAGE
    assert "a probe looks at SSH servers" in err
