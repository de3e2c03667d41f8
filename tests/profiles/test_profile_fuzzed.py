"""Profiles that are made at random, and files that are damaged: sound, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from profile_texts import EVERYTHING, parse

from ncwire import profiles
from ncwire.errors import ProfileError
from ncwire.profiles import OPTIONS, DeviceProfile

if TYPE_CHECKING:
    from collections.abc import Callable


keys = st.one_of(st.sampled_from([*OPTIONS, "extends", "sources", "hostkey_verify"]), st.text())
scalars = st.one_of(
    *(st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates()),
    *(st.datetimes(), st.times(), st.sampled_from(["junos", "nexus", "1.0", "password"])),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=8
)


def sound_or_refused(make: Callable[[], DeviceProfile]) -> DeviceProfile | None:
    """Return what is made, None where it is refused as it must be: by file, and by key."""
    try:
        return make()
    except ProfileError as error:
        told = error
    assert told.file in ("fuzz.toml", "lab.toml")
    assert told.file in str(told)
    assert told.key or "not TOML" in str(told)
    return None


@given(st.dictionaries(keys, values))
@settings(max_examples=60)
def test_a_fuzzed_table_is_a_profile_or_a_profile_error(flat):
    table: dict[str, object] = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        node = table
        for parent in parents:
            inner = node.setdefault(parent, {})
            if not isinstance(inner, dict):
                break
            node = inner
        node[last] = value
    profile = sound_or_refused(
        lambda: profiles.resolve(profiles.read_table(table, "fuzz.toml", "fuzz"))
    )
    assert profile is None or profile.client_capabilities().base_versions()


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@settings(max_examples=100)
def test_a_fuzzed_text_is_a_profile_or_a_profile_error(text):
    sound_or_refused(lambda: parse(text))


@given(st.data())
@settings(max_examples=100)
def test_a_damaged_file_is_a_profile_or_a_profile_error(data):
    at = data.draw(st.integers(0, len(EVERYTHING)))
    until = data.draw(st.integers(at, min(len(EVERYTHING), at + 40)))
    damaged = EVERYTHING[:at] + data.draw(st.text(max_size=5)) + EVERYTHING[until:]
    sound_or_refused(lambda: parse(damaged))
