"""Drivers that break the contract or are named twice: refused by name and reason."""

from __future__ import annotations

import pytest
from distributions import MAJOR, MINOR, sound, status_of

from ncwire._plugins import registry
from ncwire.driver import CONTRACT
from ncwire.errors import (
    ContractMismatch,
    InvalidDriverError,
)


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
