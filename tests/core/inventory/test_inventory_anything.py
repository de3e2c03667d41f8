"""Whatever an inventory says, it is taken or refused in clear words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ncwire._ssh.options.parameters import Parameters
from ncwire.errors import InventoryError, OptionError
from ncwire.inventory.parsing import parse
from ncwire.inventory.schema import KEYS

if TYPE_CHECKING:
    from pathlib import Path

    from ncwire.inventory import Device

_NAMES = st.sampled_from(
    ["defaults", "groups", "devices", "junos", "r1", "", "a.b", "hostkey_verify", "é", *KEYS]
) | st.text(max_size=5)
_VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["none", "netconf", "~nobody/x", "a@b:22", "aes128-cbc", "\0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            _NAMES
            | st.sampled_from(
                ["env", "file", "command", "keyring", "timeout", "allow", "ciphers", "hello"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
_TABLES = st.dictionaries(_NAMES, _VALUES, max_size=4)


def toml(value: object) -> str:
    """Return a value in TOML's inline form."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


def parsed(text: str, folder: Path) -> tuple[dict[str, Device], tuple[str, ...]]:
    """Return the devices of a text, and what is wrong with it."""
    try:
        devices, _ = parse(text, folder / "ncwire.toml")
    except InventoryError as error:
        return {}, error.problems
    return devices, ()


def only_clear_errors(text: str, folder: Path) -> None:
    devices, problems = parsed(text, folder)
    assert all(problems)
    for device in devices.values():
        assert device.settings["host"].origin
        assert all(isinstance(setting.text, str) for setting in device.settings.values())


@given(st.text())
def test_any_text_is_an_inventory_or_a_clear_error(tmp_path_factory, text):
    only_clear_errors(text, tmp_path_factory.getbasetemp())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "defaults": _TABLES | _VALUES,
            "groups": st.dictionaries(_NAMES, _TABLES, max_size=2) | _VALUES,
            "devices": st.dictionaries(_NAMES, _TABLES, max_size=3) | _VALUES,
            "profiles": st.dictionaries(_NAMES, _TABLES, max_size=2) | _VALUES,
            "surplus": _VALUES,
        },
    )
)
def test_any_tables_are_an_inventory_or_a_clear_error(tmp_path_factory, tables):
    text = "\n".join(f"{name} = {toml(value)}" for name, value in tables.items())
    only_clear_errors(text, tmp_path_factory.getbasetemp())


@given(st.sampled_from(sorted(KEYS)), _VALUES)
def test_any_value_of_any_key_is_taken_or_refused_with_its_place(tmp_path_factory, key, value):
    text = f"[devices.r1]\n{key} = {toml(value)}\n"
    devices, problems = parsed(text, tmp_path_factory.getbasetemp())
    if not devices:
        # Each option of a driver is a value of its own.
        assert len(problems) == 1 or key == "driver_options"
        for said in problems:
            at = said.startswith((f"line 2: devices.r1.{key}: ", "line 2: devices.r1.driver_opt"))
            assert at or "not valid TOML" in said
        return
    given = devices["r1"].parameters(password=None, jumps=(), driver=None)
    for name in ("driver", "known_hosts", "profile"):
        given.pop(name, None)
    try:
        Parameters(**given)
    except OptionError:  # what depends on the machine, such as a file
        return
