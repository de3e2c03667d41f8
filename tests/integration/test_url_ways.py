"""URLs wherever a host is taken: in Python, in a probe, in an inventory, on the command line."""

from __future__ import annotations

import pytest

import ncwire
import optioned_driver
from ncwire import Inventory
from ncwire._cli import main
from ncwire._cli.failures import Exit
from ncwire.errors import InventoryError, OptionError
from ncwire.probe import probe
from ncwire.testing import EmbeddedServer

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("NCWIRE_CONFIG", raising=False)
    monkeypatch.setenv("SECRET", PASSWORD)
    return optioned_driver.install(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer(password=PASSWORD, commands=["xml-mode netconf need-trailer"]) as server:
        yield server


@pytest.fixture
def url(server):
    """The URL of the server, by a driver with an option, with a profile."""
    place = f"{server.username}@{server.host}:{server.port}"
    return f"netconf+optioned://{place}?profile=junos&depth=5"


@pytest.fixture
def known_hosts(server, tmp_path):
    path = tmp_path / "known_hosts"
    server.write_known_hosts(path)
    return str(path)


def test_connect(url, told, known_hosts):
    with ncwire.connect(url, password=PASSWORD, known_hosts=known_hosts) as session:
        assert session.profile.name == "junos"
        assert session.driver_choice.name == "optioned"
    assert told == [{"depth": 5, "mode": "a"}]


@pytest.mark.parametrize(
    ("name", "value"), [("port", 830), ("username", "u"), ("driver", "paramiko"), ("profile", "x")]
)
def test_what_is_given_twice_is_refused(url, told, name, value):
    with pytest.raises(OptionError, match=f"{name}: is given in the URL already"):
        ncwire.connect(url, **{name: value})
    assert told == []


def test_a_session_of_ones_own_takes_none(url):
    with (
        ncwire.SSHSession() as session,
        pytest.raises(OptionError, match=r"is a URL, which ncwire\.connect takes") as caught,
    ):
        session.connect(url.replace("@", ":hunter2@"))
    assert "hunter2" not in str(caught.value)


def test_a_secret_option_is_refused_in_one(url):
    with pytest.raises(OptionError, match=r"driver_options\.token: is secret") as caught:
        ncwire.connect(f"{url}&token=hunter2")
    assert "hunter2" not in str(caught.value)


def test_probe(url, told, known_hosts):
    report = probe(url, password=PASSWORD, known_hosts=known_hosts, allow_agent=False)
    assert report.answer is not None
    assert report.answer.driver == "optioned"
    assert {each["depth"] for each in told} == {5}


def inventory(tmp_path, text):
    path = tmp_path / "ncwire.toml"
    path.write_text(text)
    path.chmod(0o600)
    return Inventory.load(path)


def test_an_inventory(url, told, known_hosts, tmp_path):
    found = inventory(
        tmp_path,
        f"""
        [defaults]
        port = 1
        username = "nobody"
        driver = "libssh2"
        [defaults.driver_options.optioned]
        depth = 9
        mode = "b"
        [devices.r1]
        host = "{url}&path=run"
        password = {{env = "SECRET"}}
        known_hosts = "{known_hosts}"
        """,
    )
    device = found.device("r1")
    assert (
        device.settings["port"].origin == device.settings["host"].origin == "devices.r1, line 10"
    )
    device.verify()
    with device.connect(ssh_config=None, allow_agent=False) as session:
        assert session.profile.name == "junos"
    assert told == [{"depth": 5, "mode": "b", "path": str(tmp_path / "run")}]


def test_a_socket_has_no_host_in_an_inventory(tmp_path):
    found = inventory(tmp_path, '[devices.r1]\nhost = "netconf+unix:///run/netconf.sock"')
    parameters = found.device("r1").parameters(driver=None)
    assert parameters["host"] is None
    (path,) = parameters["driver_options"].of("unix").values()
    assert path.texts == ("/run/netconf.sock",)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("port = 22", "line 3: devices.r1.port: is given in the host's URL already"),
        ("driver = 'x'", "line 3: devices.r1.driver: is given in the host's URL already"),
        (
            "driver_options.optioned.depth = 1",
            "line 3: devices.r1.driver_options.optioned.depth: ",
        ),
    ],
)
def test_what_a_device_says_besides_is_refused(tmp_path, url, line, problem):
    with pytest.raises(InventoryError) as caught:
        inventory(tmp_path, f'[devices.r1]\nhost = "{url}"\n{line}')
    (only,) = caught.value.problems
    assert only.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("netconf://admin:hunter2@r1", "line 2: devices.r1.host: in this URL a password"),
        ("netconf://r1?profile=nowhere", "line 2: devices.r1.host: there is none of that name"),
        ("netconf://a%20b", "line 2: devices.r1.host: 'a b' is no host name"),
        ("ssh://r1", "line 2: devices.r1.host: in this URL the scheme 'ssh' is not known"),
    ],
)
def test_a_url_that_is_wrong_is_told_with_its_line(tmp_path, text, problem):
    with pytest.raises(InventoryError) as caught:
        inventory(tmp_path, f'[devices.r1]\nhost = "{text}"')
    (only,) = caught.value.problems
    assert only.startswith(problem)
    assert "hunter2" not in only


class TestCommand:
    @pytest.fixture
    def run(self, capfd, known_hosts):
        def run(*arguments):
            login = ("--known-hosts", known_hosts, "--password-env", "SECRET", "--no-prompt")
            code = main([*arguments, *login])
            return code, *capfd.readouterr()

        return run

    def test_hello(self, run, url, told):
        code, out, err = run("hello", url, "-O", "mode=b")
        assert (code, err) == (0, "")
        assert "driver: optioned" in out
        assert told == [{"depth": 5, "mode": "b"}]

    @pytest.mark.parametrize(
        ("option", "name"),
        [
            (("-p", "830"), "port"),
            (("-l", "u"), "username"),
            (("--driver", "paramiko"), "driver"),
            (("--profile", "junos"), "profile"),
            (("-O", "depth=5"), "driver_options.depth"),
        ],
    )
    def test_what_is_given_twice_is_refused(self, run, url, told, option, name):
        code, _, err = run("hello", url, *option)
        assert code == Exit.USAGE
        assert f"{name}: is given in the URL already" in err
        assert told == []

    def test_a_device_is_shown_as_its_url_says(self, capfd, url, tmp_path):
        inventory(tmp_path, f'[devices.r1]\nhost = "{url}&words=x&words=y&token=hunter2"')
        code = main(["devices", "-v", "--inventory", str(tmp_path / "ncwire.toml")])
        out, _ = capfd.readouterr()
        assert code == 0
        lines = [line.partition("  (")[0].strip() for line in out.splitlines()]
        for shown in ("depth = 5", "words = x, y", "token = (not shown)"):
            assert f"driver_options.optioned.{shown}" in [line.strip() for line in lines]
        assert "profile = junos" in out
        assert "hunter2" not in out

    def test_a_password_is_refused_and_not_repeated(self, run):
        code, out, err = run("hello", "netconf://admin:hunter2@r1")
        assert code == Exit.USAGE
        assert "a password does not belong into a URL" in err
        assert "hunter2" not in out + err

    def test_a_device_of_the_inventory_may_be_its_host(self, run, url, tmp_path, server):
        path = tmp_path / "ncwire.toml"
        path.write_text(
            f'[devices.r1]\nhost = "{server.host}"\nport = {server.port}\n'
            f'username = "{server.username}"\npassword = {{env = "SECRET"}}\n'
        )
        code, out, _ = run("hello", "netconf+optioned://r1?depth=6", "--inventory", str(path))
        assert code == 0
        assert "driver: optioned" in out
