"""Discovery of drivers, against real distributions: listed, loaded and chosen."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest
from distributions import MAJOR, MINOR, sound, status_of

from ncwire._plugins import registry
from ncwire.driver import CONTRACT, Driver, Feature
from ncwire.errors import (
    ContractMismatch,
    DriverImportError,
    DriverNotFoundError,
    DriverUnavailable,
    InvalidDriverError,
)

if TYPE_CHECKING:
    from ncwire.driver import Channel, ConnectOptions, Deadline


def test_a_sound_driver_loads_and_is_listed_as_ok(install):
    install("good", sound("good"))

    assert registry.load("good").name == "good"
    assert "good" in registry.names()
    assert status_of("good") == registry.DriverStatus(
        name="good",
        distribution="wire_good",
        version="1.2",
        contract=f"{MAJOR}.{MINOR}",
        library="wire 9.8",
        status="ok",
        reason="",
        remedy="",
        features=("password",),
        transport="ssh",
    )


def test_a_driver_that_is_installed_while_running_is_seen(install):
    before = registry.names()
    install("late", sound("late"))

    assert "late" not in before
    assert registry.load("late").name == "late"


def test_names_imports_nothing(install):
    install("nameonly", "raise SystemExit('imported')")

    assert "nameonly" in registry.names()
    assert "wire_nameonly_module" not in sys.modules


def test_load_imports_the_package_of_that_driver_only(install):
    install("wanted", sound("wanted"))
    install("unwanted", "raise SystemExit('imported')")

    registry.load("wanted")

    assert "wire_unwanted_module" not in sys.modules


def test_an_unknown_name_tells_the_known_ones_and_the_nearest(install):
    install("quicksilver", sound("quicksilver"))

    with pytest.raises(DriverNotFoundError) as caught:
        registry.load("quiksilver")

    assert caught.value.name == "quiksilver"
    assert "did you mean 'quicksilver'?" in caught.value.remedy
    assert "quicksilver" in caught.value.remedy.partition("registered:")[2]


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(DriverNotFoundError) as caught:
        registry.load("zzzzzzzz")

    assert "did you mean" not in str(caught.value)


def test_a_missing_library_is_unavailable_with_the_drivers_own_remedy(install):
    unavailable = """
    @classmethod
    def check_available(cls):
        from ncwire.errors import DriverUnavailable
        raise DriverUnavailable("absent", "quartz is not installed", "pip install quartz")
"""
    install("absent", sound("absent") + unavailable)

    with pytest.raises(DriverUnavailable, match="quartz is not installed; pip install quartz"):
        registry.load("absent")
    status = status_of("absent")
    assert (status.status, status.remedy) == ("unavailable", "pip install quartz")
    assert status.features == ("password",)


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("lacks", "import there_is_no_such_module", "No module named 'there_is_no_such_module'"),
        ("exits", "raise SystemExit(3)", "SystemExit: 3"),
        ("asserts", "assert False, 'never'", "AssertionError: never"),
        ("syntax", "def (", "SyntaxError"),
        ("other", "OtherName = 1", "AttributeError"),
        ("runtime", "raise RuntimeError", "RuntimeError"),
    ],
)
def test_a_failing_import_is_told_and_hurts_no_other(install, name, source, told):
    install(name, source)
    install(f"beside-{name}", sound(f"beside-{name}"), distribution=f"beside_{name}")

    with pytest.raises(DriverImportError) as caught:
        registry.load(name)

    assert told in caught.value.reason
    assert f"wire_{name} 1.2" in caught.value.remedy
    assert caught.value.__cause__ is not None
    assert status_of(name).status == "broken"
    assert status_of(f"beside-{name}").status == "ok"
    assert registry.load(f"beside-{name}").name == f"beside-{name}"


def test_a_failed_import_is_tried_again(install, tmp_path):
    install("mended", "raise ImportError('not yet')")
    with pytest.raises(DriverImportError):
        registry.load("mended")

    module = tmp_path / "wire_mended_module.py"
    module.write_text(sound("mended") + "\n# of another size than before\n", encoding="utf-8")
    importlib.invalidate_caches()

    assert registry.load("mended").name == "mended"


def test_ctrl_c_in_an_import_is_no_drivers_fault(install):
    install("interrupted", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        registry.load("interrupted")


def test_choose_prefers_the_argument_to_the_environment(install, monkeypatch):
    install("argued", sound("argued"))
    install("ambient", sound("ambient"))
    monkeypatch.setenv("NCWIRE_DRIVER", "ambient")

    assert registry.choose("argued").name == "argued"
    assert registry.choose().name == "ambient"


@pytest.mark.parametrize("value", [None, ""])
def test_without_argument_and_environment_paramiko_is_chosen(install, monkeypatch, value):
    if value is None:
        monkeypatch.delenv("NCWIRE_DRIVER", raising=False)
    else:
        monkeypatch.setenv("NCWIRE_DRIVER", value)

    assert registry.DEFAULT == "paramiko"
    try:
        chosen = registry.choose().name
    except DriverNotFoundError as error:  # run from a tree whose entry points aren't installed
        chosen = error.name
    assert chosen == "paramiko"


class Given(Driver):
    """A driver that is given as a class, and registered nowhere."""

    name = "given"
    contract = CONTRACT
    features = frozenset({Feature.PASSWORD})

    @classmethod
    def library(cls) -> str:
        return "none"

    def connect(self, options: ConnectOptions, deadline: Deadline) -> Channel:
        raise NotImplementedError

    def abort(self) -> None:
        pass


def test_a_class_is_chosen_as_it_is():
    assert registry.choose(Given) is Given


def test_a_class_is_checked_as_a_registered_one_is():
    class Heir(Given):
        pass

    class Missing(Given):
        contract = CONTRACT

        @classmethod
        def check_available(cls) -> None:
            raise DriverUnavailable("given", "no", "never")

    with pytest.raises(ContractMismatch):
        registry.choose(Heir)
    with pytest.raises(DriverUnavailable):
        registry.choose(Missing)
    with pytest.raises(InvalidDriverError, match="a int is no subclass"):
        registry.validate(7)
    with pytest.raises(InvalidDriverError, match=r"builtins\.int is no subclass"):
        registry.validate(int)
