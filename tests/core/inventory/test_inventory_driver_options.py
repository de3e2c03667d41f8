"""Drivers' own options in an inventory: merged one by one, secrets by reference, shown nowhere."""

from __future__ import annotations

import pickle

import pytest

import optioned_driver
from ncwire.errors import InventoryError, OptionError, SecretError
from ncwire.testing import EmbeddedServer


@pytest.fixture
def told(tmp_path, monkeypatch):
    return optioned_driver.install(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer(password="pw") as server:
        yield server


@pytest.fixture
def connected(load, server, tmp_path, monkeypatch):
    """Connect to a device "r1" of an inventory with this text added."""
    server.write_known_hosts(tmp_path / "known_hosts")
    monkeypatch.setenv("R1", "pw")

    def connected(text, **overrides):
        inventory = load(
            '[defaults]\ndriver = "optioned"\n'
            + text
            + f"""
            [devices.r1]
            groups = ["near", "far"]
            host = "{server.host}"
            port = {server.port}
            username = "{server.username}"
            password = {{env = "R1"}}
            known_hosts = "known_hosts"
            ssh_config = false
            driver_options.optioned.depth = 9
            """
        )
        inventory.connect("r1", allow_agent=False, **overrides).close()
        return inventory

    return connected


LAYERS = """
[defaults.driver_options.optioned]
depth = 1
linger = 1
mode = "b"
path = "run/sock"
[defaults.driver_options.other]
colour = "red"
[groups.far.driver_options.optioned]
linger = 2
words = "far"
[groups.near.driver_options.optioned]
words = ["near"]
"""


def test_each_option_is_of_the_nearest_that_has_it(connected, told, tmp_path):
    connected(LAYERS)
    assert told == [
        {
            "depth": 9,
            "linger": 2.0,
            "mode": "b",
            "path": str(tmp_path / "run" / "sock"),
            "words": ("near",),
        }
    ]


def test_what_is_given_in_python_wins_one_by_one(connected, told):
    connected(LAYERS, driver_options={"depth": 11})
    assert (told[0]["depth"], told[0]["mode"]) == (11, "b")


def test_the_files_own_profiles_have_them_too(connected, told, tmp_path):
    connected(
        """
        profile = "lab"
        [groups.near]
        [groups.far]
        [profiles.lab.driver_options.optioned]
        mode = "b"
        depth = 1
        path = "p"
        """
    )
    assert told == [{"depth": 9, "mode": "b", "path": str(tmp_path / "p")}]


SECRET = """
[groups.near.driver_options.optioned]
token = {env = "TOKEN"}
[groups.far]
"""


def test_a_secret_is_read_when_it_is_connected_and_shown_nowhere(connected, told, monkeypatch):
    monkeypatch.setenv("TOKEN", "hunter2")
    inventory = connected(SECRET)
    assert told[0]["token"] == "hunter2"
    device = inventory.device("r1")
    assert device.settings["driver_options.optioned.token"].text == "environment variable TOKEN"
    assert "hunter2" not in repr(inventory) + repr(device.parameters())
    again = pickle.loads(pickle.dumps(inventory))
    assert again.device("r1").settings == device.settings


def test_a_secret_that_is_not_there_is_the_usual_error(connected, told):
    with pytest.raises(SecretError, match="TOKEN: there is no such variable"):
        connected(SECRET)
    assert told == []


def test_a_secret_of_another_driver_is_not_read(connected, told):
    connected(SECRET.replace("driver_options.optioned", "driver_options.other"))
    assert len(told) == 1


def test_a_plain_secret_is_refused_and_not_repeated(connected, told, tmp_path):
    with pytest.raises(OptionError, match=r"driver_options\.token: is secret") as caught:
        connected(SECRET.replace('{env = "TOKEN"}', '"hunter2"'))
    assert f"(in {tmp_path / 'ncwire.toml'}, groups.near, line " in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert told == []


class TestVerify:
    def verify(self, load, text):
        load(text).device("r1").verify()

    def test_a_secret_is_not_read_and_all_is_well(self, load, told):
        self.verify(
            load,
            '[devices.r1]\nusername = "u"\ndriver = ["nowhere", "optioned"]\n'
            '[devices.r1.driver_options]\noptioned.token = {env = "TOKEN"}\nnowhere.x = 1',
        )
        assert told == []

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("optioned.dept = 3", r"driver_options\.dept: .*did you mean depth.*line 5\)$"),
            ("optioned.depth = 'x'", r"driver_options\.depth: 'x' is not.*devices\.r1, line 5\)$"),
            ("optoined.depth = 3", r"driver_options\.optoined: no driver 'optoined' is installed"),
        ],
    )
    @pytest.mark.usefixtures("told")
    def test_what_is_wrong_is_told_with_its_place(self, load, line, problem):
        text = '[devices.r1]\nusername = "u"\ndriver = "optioned"\n[devices.r1.driver_options]\n'
        with pytest.raises(OptionError, match=problem):
            self.verify(load, text + line)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("driver_options = 3", "line 2: devices.r1.driver_options: must be a table, not a whole"),
        ("driver_options.x = 3", "line 2: devices.r1.driver_options.x: must be a table"),
        ("driver_options.x.y = [1]", "line 2: devices.r1.driver_options.x.y: a list is not"),
        ("driver_options.x.Y = 1", "line 2: devices.r1.driver_options.x.Y: is no name of an"),
        ("driver_options.x.y = {evn = 'A'}", "line 2: devices.r1.driver_options.x.y: say where"),
        ("driver_option.x.y = 1", "line 2: devices.r1.driver_option: 'driver_option' is no key"),
    ],
)
def test_what_is_of_no_form_is_refused_when_it_is_read(load, text, problem):
    with pytest.raises(InventoryError) as caught:
        load(f"[devices.r1]\n{text}")
    (only,) = caught.value.problems
    assert only.startswith(problem)
