"""A profile's options of drivers: read, inherited, merged, and told where they stand."""

from __future__ import annotations

import pickle

import pytest
from profile_texts import parse

import optioned_driver
from ncwire import profiles
from ncwire.errors import OptionError, ProfileError
from ncwire.profiles import DeviceProfile
from ncwire.testing import EmbeddedServer

BOTH = """
driver = "optioned"
[driver_options.optioned]
depth = 5
words = ["a", "b"]
[driver_options.other]
colour = "red"
[sources]
"driver_options.optioned.depth" = "seen"
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    return optioned_driver.install(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer() as server:
        yield server


def test_those_of_the_driver_in_use_reach_it(connect, server, told):
    connect(server, profile=parse(BOTH))
    assert told == [{"depth": 5, "mode": "a", "words": ("a", "b")}]


def test_each_value_stands_with_where_it_comes_from():
    given = parse(BOTH).values()
    assert given["driver_options.optioned.depth"].source == "seen"
    assert given["driver_options.optioned.words"].source == ""
    assert given["driver_options.other.colour"].file == "lab.toml"
    keys = [setting.key for setting in parse(BOTH).settings()]
    assert keys[-1] == "driver_options.other.colour"


def test_who_extends_replaces_option_by_option(connect, server, told):
    own = {"base": profiles.read_toml(BOTH, "base.toml", "base")}
    below = 'extends = "base"\n[driver_options.optioned]\ndepth = 7\nmode = "b"'
    profile = profiles.parse(below, "lab.toml", "lab", own)
    connect(server, profile=profile)
    assert told == [{"depth": 7, "mode": "b", "words": ("a", "b")}]
    assert profile.values()["driver_options.optioned.words"].profile == "base"
    assert profile.values()["driver_options.optioned.depth"].profile == "lab"


def test_a_path_is_relative_to_the_profiles_file(connect, server, told, tmp_path):
    (tmp_path / "lab.toml").write_text(BOTH + "[driver_options.optioned.x]\n")
    with pytest.raises(ProfileError, match=r"driver_options\.optioned\.x: a dict is not a string"):
        profiles.load(tmp_path / "lab.toml")
    (tmp_path / "lab.toml").write_text(BOTH.replace("depth = 5", 'path = "run/sock"'))
    with pytest.raises(ProfileError, match=r"'driver_options.optioned.depth' is no option that"):
        profiles.load(tmp_path / "lab.toml")
    text = BOTH.partition("[sources]")[0].replace("depth = 5", 'path = "run/sock"')
    (tmp_path / "lab.toml").write_text(text)
    connect(server, profile=tmp_path / "lab.toml")
    assert told[0]["path"] == str(tmp_path / "run" / "sock")


@pytest.mark.parametrize(
    ("line", "told_of"),
    [
        ("dept = 5", r"driver_options\.dept: .*did you mean depth"),
        ("depth = '5'", r"driver_options\.depth: '5' is not a whole number"),
        ("token = 'hunter2'", r"driver_options\.token: is secret"),
        ("context = 'x'", r"driver_options\.context: .*Python only"),
    ],
)
@pytest.mark.usefixtures("told")
def test_what_the_driver_does_not_take_is_told_with_its_place(connect, server, line, told_of):
    profile = parse(f"driver = 'optioned'\n[driver_options.optioned]\n{line}")
    with pytest.raises(OptionError, match=told_of) as caught:
        connect(server, profile=profile)
    assert str(caught.value).endswith("(in profile 'lab' in lab.toml)")
    assert "hunter2" not in str(caught.value) + repr(profile) + repr(profile.values())


@pytest.mark.parametrize(
    ("text", "key", "told_of"),
    [
        ("driver_options = 3", "driver_options", "is not a table"),
        ("driver_options.x = 3", "driver_options.x", r"\[driver_options\.NAME\]"),
        ("driver_options.x.y = 1979-05-27", "driver_options.x.y", "a date is not"),
        ("driver_options.x.y = [1]", "driver_options.x.y", "a list is not"),
        ("driver_options.x.'a b' = 1", "driver_options.x.a b", "is no name of an option"),
        ("driver_option.x.y = 1", "driver_option", "did you mean driver_options"),
    ],
)
def test_what_is_of_no_form_is_refused_when_it_is_read(text, key, told_of):
    with pytest.raises(ProfileError, match=told_of) as caught:
        parse(text)
    assert caught.value.key == key


def test_a_driver_that_is_not_installed_is_left_alone():
    profile = parse("[driver_options.'not.here']\ncolour = 'red'")
    assert list(profile.driver_options) == ["not.here"]


class TestInPython:
    def test_a_value_never_changes_and_can_be_pickled(self):
        given = {"x": {"y": [1]}}
        profile = DeviceProfile(name="lab", driver_options=given)
        given["x"]["y"] = given["z"] = 2
        assert profile.driver_options == {"x": {"y": [1]}}
        assert pickle.loads(pickle.dumps(profile)) == profile
        assert pickle.loads(pickle.dumps(parse(BOTH))) == parse(BOTH)
        hash(profile)

    def test_those_of_a_profile_that_is_extended_are_kept(self):
        made = DeviceProfile(name="made", driver_options={"x": {"y": 1, "z": 2}})
        above = profiles.overlaid(made, {"driver_options": {"x": {"y": 3}}}, "f", "n")
        assert above.driver_options["x"]["z"] == 2
        assert above.values()["driver_options.x.y"].profile == "n"

    @pytest.mark.parametrize("wrong", [[], {"x": 1}, {1: {}}])
    def test_what_is_no_mapping_of_mappings_is_refused(self, wrong):
        with pytest.raises(ProfileError, match="driver_options"):
            DeviceProfile(name="lab", driver_options=wrong)
