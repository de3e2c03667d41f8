"""A driver's own options: every kind of value, and how those that are wrong are told."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from ncwire._plugins.driver_options import PerDriver, Stated, settled, with_driver_options
from ncwire.driver import ConnectOptions, Driver, DriverOption, OptionKind
from ncwire.errors import OptionError

ROOT = Path("~root").expanduser()


class Wire(Driver):
    """A driver with an option of each kind."""

    name = "wire"
    contract = (1, 0)
    features = frozenset()
    driver_options: ClassVar = (
        DriverOption(name="label", kind=OptionKind.TEXT, meaning="A label."),
        DriverOption(
            name="mode", kind=OptionKind.TEXT, meaning="A mode.", default="a", choices=("a", "b")
        ),
        DriverOption(name="depth", kind=OptionKind.INTEGER, meaning="A depth.", default=3),
        DriverOption(name="linger", kind=OptionKind.SECONDS, meaning="A time."),
        DriverOption(name="quick", kind=OptionKind.SWITCH, meaning="A switch.", default=False),
        DriverOption(name="path", kind=OptionKind.FILE, meaning="A file."),
        DriverOption(name="words", kind=OptionKind.TEXTS, meaning="Words.", default=("x",)),
        DriverOption(name="files", kind=OptionKind.FILES, meaning="Files."),
        DriverOption(name="context", kind=OptionKind.OBJECT, meaning="An object."),
        DriverOption(name="token", kind=OptionKind.TEXT, meaning="A secret.", secret=True),
        DriverOption(name="anchor", kind=OptionKind.FILE, meaning="Whom to trust.", trust=True),
        DriverOption(name="pin", kind=OptionKind.INTEGER, meaning="A secret.", secret=True),
    )

    @classmethod
    def library(cls):
        return "none"

    def connect(self, options, deadline):
        raise NotImplementedError

    def abort(self):
        pass


DEFAULTS = {
    "label": None,
    "mode": "a",
    "depth": 3,
    "linger": None,
    "quick": False,
    "path": None,
    "words": ("x",),
    "files": None,
    "context": None,
    "token": None,
    "anchor": None,
    "pin": None,
}


def test_every_option_is_there_with_its_default():
    assert settled(Wire, {}) == DEFAULTS
    assert settled(Wire, {"depth": None}) == DEFAULTS


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("label", "", ""), ("mode", "b", "b"), ("depth", -1, -1), ("linger", 2, 2.0),
        ("quick", True, True), ("path", Path("/a/b"), "/a/b"), ("path", "b", "b"),
        ("path", "~root/x", f"{ROOT}/x"), ("words", ["a", "b"], ("a", "b")),
        ("words", "a", ("a",)), ("words", (), ()), ("files", Path("/a"), ("/a",)),
        ("files", ["/a", Path("/b")], ("/a", "/b")), ("token", "t", "t"),
    ],
)  # fmt: skip
def test_a_value_of_the_kind_is_given_as_the_driver_is_to_have_it(name, given, expected):
    assert settled(Wire, {name: given}) == DEFAULTS | {name: expected}


def test_an_object_is_handed_on_as_it_is():
    context = object()
    assert settled(Wire, {"context": context})["context"] is context


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("label", 3, "3 is not a string"), ("mode", "c", "'c' is not one of a, b"),
        ("depth", True, "True is not a whole number"), ("depth", "3", "'3' is not a whole number"),
        ("linger", 0, "0 is not a number of seconds, more than 0"),
        ("linger", float("nan"), "nan is not a number of seconds"),
        ("linger", 1e9, "up to a million"), ("quick", 1, "1 is not true or false"),
        ("path", "", "'' is not a path"), ("path", b"x", "b'x' is not a path"),
        ("path", "a\0b", "is not a path"), ("path", "~nobody-here/x", "'~nobody-here/x': "),
        ("words", [1], "1 is not a string, or several in a list"),
        ("words", {"a"}, "is not a string, or several"), ("files", 7, "7 is not a path, or"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_by_the_options_name(name, given, told):
    with pytest.raises(OptionError) as caught:
        settled(Wire, {name: given})
    assert caught.value.option == f"driver_options.{name}"
    assert told in caught.value.problem


@pytest.mark.parametrize(("name", "given"), [("token", 31337), ("pin", "hunter2")])
def test_a_secret_of_another_kind_is_not_shown(name, given):
    with pytest.raises(OptionError) as caught:
        settled(Wire, {name: given})
    assert str(given) not in str(caught.value)
    assert f"a {type(given).__name__} is not" in caught.value.problem


def test_an_option_that_the_driver_has_not_is_told_with_those_that_it_has():
    with pytest.raises(OptionError, match="did you mean depth") as caught:
        settled(Wire, {"dept": 3})
    assert caught.value.option == "driver_options.dept"
    assert "'wire'" in caught.value.problem
    assert "label, mode, depth" in caught.value.problem


def test_a_driver_without_options_says_so():
    class Bare(Wire):
        contract = (1, 0)
        driver_options: ClassVar = ()

    assert settled(Bare, {}) == {}
    with pytest.raises(OptionError, match="'wire' has no options of its own"):
        settled(Bare, {"depth": 3})


class TestStated:
    def test_a_path_is_relative_to_the_files_folder(self):
        given = {
            "path": Stated("f, line 1", "/etc", "a"),
            "files": Stated("f, line 2", "/etc", ["b", "/c", "~root/d"]),
        }
        own = settled(Wire, given)
        assert own["path"] == "/etc/a"
        assert own["files"] == ("/etc/b", "/c", f"{ROOT}/d")

    @pytest.mark.parametrize("name", ["depth", "other"])
    def test_an_error_says_where_it_stands(self, name):
        with pytest.raises(OptionError, match=r"\(in f, line 1\)$"):
            settled(Wire, {name: Stated("f, line 1", "/etc", "a")})

    def test_an_object_is_for_python_only(self):
        with pytest.raises(OptionError, match=r"Python only.*in f, line 1"):
            settled(Wire, {"context": Stated("f, line 1", "/etc", 3)})

    def test_a_secret_stands_in_no_file(self):
        stated = Stated("f, line 1", "/etc", "hunter2")
        assert "hunter2" not in repr(stated)
        with pytest.raises(OptionError, match=r"secret.*in f, line 1") as caught:
            settled(Wire, {"token": stated})
        assert "hunter2" not in str(caught.value)

    def test_a_secret_is_read_from_where_it_is(self):
        class Reference:
            def read(self):
                return "hunter2"

        given = {"token": Stated("f, line 1", "/etc", reference=Reference())}
        assert settled(Wire, given)["token"] == "hunter2"


class TestLayers:
    OPTIONS = ConnectOptions(host="r1", username="admin", driver_options={"token": "hunter2"})

    def test_what_is_given_wins_over_the_profile_key_by_key(self):
        profile = {"wire": {"depth": 1, "label": "p"}, "other": {"nonsense": 1}}
        own = with_driver_options(self.OPTIONS, Wire, profile, {"depth": 2}).driver_options
        assert (own["depth"], own["label"], own["mode"]) == (2, "p", "a")

    def test_of_several_drivers_those_of_the_one_in_use_count(self):
        given = PerDriver({"wire": {"depth": 1, "label": "w"}, "x": {"y": 1}, "": {"depth": 2}})
        own = with_driver_options(self.OPTIONS, Wire, None, given).driver_options
        assert (own["depth"], own["label"]) == (2, "w")

    def test_a_profile_holds_no_secret_in_python_either(self):
        with pytest.raises(OptionError, match=r"driver_options\.token: is secret, and a profile"):
            with_driver_options(self.OPTIONS, Wire, {"wire": {"token": "hunter2"}}, None)

    def test_a_profile_says_nothing_of_whom_to_trust(self):
        with pytest.raises(OptionError, match=r"driver_options\.anchor: decides whom to trust"):
            with_driver_options(self.OPTIONS, Wire, {"wire": {"anchor": "ca.pem"}}, None)
        own = with_driver_options(self.OPTIONS, Wire, None, {"anchor": "ca.pem"}).driver_options
        assert own["anchor"].endswith("ca.pem")

    def test_jump_hosts_have_the_same(self):
        through = ConnectOptions(host="r2", username="u", jumps=(self.OPTIONS,))
        options = with_driver_options(through, Wire, None, {"depth": 7})
        assert options.jumps[0].driver_options == options.driver_options

    def test_no_value_is_shown(self):
        assert "hunter2" not in repr(self.OPTIONS)
