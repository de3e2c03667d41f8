"""Discovery of drivers, against real distributions: packages with metadata, on the path."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

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
    from collections.abc import Callable
    from pathlib import Path

    from ncwire.driver import Channel, ConnectOptions, Deadline

MAJOR, MINOR = CONTRACT

SOUND = """
from ncwire.driver import Driver, Feature

class {cls}(Driver):
    name = "{name}"
    contract = {contract}
    features = frozenset({{Feature.PASSWORD}})

    @classmethod
    def library(cls):
        return "wire 9.8"

    def connect(self, options, deadline):
        raise NotImplementedError

    def abort(self):
        pass
"""


def sound(name: str, contract: tuple[int, int] = CONTRACT) -> str:
    return SOUND.format(cls="TheDriver", name=name, contract=contract)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a distribution: its metadata and one module, in a folder of the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(
        name: str,
        source: str,
        *,
        distribution: str = "",
        version: str = "1.2",
        target: str = "TheDriver",
    ) -> None:
        distribution = distribution or f"wire_{name}"
        module = f"{distribution}_module"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = tmp_path / f"{distribution}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(
            f"[ncwire.drivers]\n{name} = {module}:{target}\n", encoding="utf-8"
        )
        importlib.invalidate_caches()

    return install


def status_of(name: str) -> registry.DriverStatus:
    (status,) = [status for status in registry.survey() if status.name == name]
    return status


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


@pytest.mark.parametrize(
    ("name", "contract", "remedy"),
    [
        ("newerminor", (MAJOR, MINOR + 1), "upgrade ncwire"),
        ("newermajor", (MAJOR + 1, 0), "upgrade ncwire"),
        ("oldermajor", (MAJOR - 1, 9), "upgrade the driver"),
    ],
)
def test_another_contract_is_refused_naming_both_versions(install, name, contract, remedy):
    install(name, sound(name, contract))

    with pytest.raises(ContractMismatch) as caught:
        registry.load(name)

    assert f"contract {contract[0]}.{contract[1]}" in caught.value.reason
    assert f"speaks {MAJOR}.{MINOR}" in caught.value.reason
    assert caught.value.remedy == remedy
    assert status_of(name).contract == f"{contract[0]}.{contract[1]}"


@pytest.mark.parametrize("stated", ["", "contract = '1.0'", "contract = (1,)", "contract = None"])
def test_a_contract_that_is_missing_or_no_version_is_refused(install, stated):
    name = f"nocontract{len(stated)}"
    source = sound(name).replace(f"contract = {CONTRACT}", stated or "pass")
    install(name, source)

    with pytest.raises(ContractMismatch, match="states no contract") as caught:
        registry.load(name)

    assert f"speaks {MAJOR}.{MINOR}" in caught.value.reason


def test_a_subclass_does_not_inherit_the_contract(install):
    install("heir", sound("heir") + "\nclass Heir(TheDriver): pass\n", target="Heir")

    with pytest.raises(ContractMismatch, match="states no contract"):
        registry.load("heir")


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("string", "TheDriver = 'a driver'", "a str is no subclass"),
        ("stranger", "class TheDriver: pass", "wire_stranger_module.TheDriver is no subclass"),
        ("function", "def TheDriver(): pass", "a function is no subclass"),
        (
            "halfdone",
            sound("halfdone").replace("def abort", "def abrupt"),
            "does not implement abort",
        ),
        (
            "listed",
            sound("listed").replace("frozenset({Feature.PASSWORD})", "['password']"),
            "features is no frozenset of Feature",
        ),
        (
            "words",
            sound("words").replace("Feature.PASSWORD", "'password'"),
            "features is no frozenset of Feature",
        ),
        (
            "featureless",
            sound("featureless").replace("features = frozenset({Feature.PASSWORD})", "pass"),
            "features is no frozenset of Feature",
        ),
        ("renamed", sound("otherwise"), "its class says 'otherwise'"),
        ("nameless", sound("nameless").replace("name =", "label ="), "has no attribute `name`"),
        (
            "raising",
            sound("raising").replace("return 'wire 9.8'", "").replace('"wire 9.8"', "1 / 0"),
            "raised ZeroDivisionError",
        ),
        (
            "numbered",
            sound("numbered").replace('"wire 9.8"', "98"),
            "library() returned int, not str",
        ),
        (
            "quits",
            sound("quits") + "\n    @classmethod\n    def check_available(cls):\n"
            "        raise SystemExit\n",
            "raised SystemExit",
        ),
    ],
)
def test_what_breaks_the_contract_is_invalid(install, name, source, told):
    install(name, source)

    with pytest.raises(InvalidDriverError) as caught:
        registry.load(name)

    assert caught.value.name == name
    assert told in caught.value.reason
    assert status_of(name).status == "broken"


def test_a_name_that_two_distributions_register_is_refused_naming_both(install):
    install("twice", "raise SystemExit('imported')", distribution="first")
    install("twice", "raise SystemExit('imported')", distribution="second", version="3")

    with pytest.raises(InvalidDriverError) as caught:
        registry.load("twice")

    assert "first" in caught.value.reason
    assert "second" in caught.value.reason
    assert registry.names().count("twice") == 1
    status = status_of("twice")
    assert status.status == "broken"
    assert sorted(status.distribution.split(", ")) == ["first", "second"]


def test_a_second_copy_of_the_same_distribution_is_hidden(install, tmp_path, monkeypatch):
    install("copied", sound("copied"))
    copy = tmp_path / "copy"
    copy.mkdir()
    (tmp_path / "wire_copied-1.2.dist-info").rename(copy / "wire_copied-1.2.dist-info")
    monkeypatch.syspath_prepend(str(copy))
    install("copied", sound("copied"))

    assert registry.load("copied").name == "copied"


def test_damaged_metadata_of_a_stranger_hides_only_that_stranger(install, tmp_path, caplog):
    install("damaged", sound("damaged"))
    install("undamaged", sound("undamaged"))
    damaged = tmp_path / "wire_damaged-1.2.dist-info" / "entry_points.txt"
    damaged.write_bytes(b"[ncwire.drivers]\n\xff\xfe\n")

    assert "undamaged" in registry.names()
    assert "damaged" not in registry.names()
    assert "cannot be read" in caplog.text


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
