"""Profiles of installed packages: real distributions with metadata, on the path."""

from __future__ import annotations

import importlib
import textwrap
from typing import TYPE_CHECKING

import pytest

from metadata import write_metadata
from ncwire import profiles
from ncwire.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a distribution: metadata, one module, and a file beside it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, source: str, *, distribution: str = "acme", toml: str = "") -> None:
        # One of its own for each test, since Python remembers those that it has imported.
        module = f"{distribution}_{tmp_path.name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        (tmp_path / f"{module}.toml").write_text(toml, encoding="utf-8")
        points = {name: f"{module}:PROFILE"}
        write_metadata(tmp_path, distribution, "1.2", "ncwire.profiles", **points)
        importlib.invalidate_caches()

    return install


def status_of(name: str, distribution: str = "acme") -> profiles.ProfileStatus:
    (status,) = [
        each
        for each in profiles.survey()
        if (each.name, each.distribution) == (name, distribution)
    ]
    return status


MAKINGS = {
    "a profile": (
        "from ncwire.profiles import DeviceProfile\n"
        "PROFILE = DeviceProfile(name='olt', port=2022, description='OLTs')"
    ),
    "a mapping": "PROFILE = {'port': 2022, 'description': 'OLTs'}",
    "a path": "PROFILE = __file__.replace('.py', '.toml')",
    "a Path": "import pathlib\nPROFILE = pathlib.Path(__file__).with_suffix('.toml')",
}


@pytest.mark.parametrize("made", MAKINGS)
def test_a_package_brings_a_profile(install, made):
    install("olt", MAKINGS[made], toml='port = 2022\ndescription = "OLTs"')
    profile = profiles.get("olt")
    assert (profile.name, profile.port, profile.description) == ("olt", 2022, "OLTs")
    assert "olt" in profiles.names()
    assert status_of("olt").status == "ok"
    extended = profiles.parse("extends = 'olt'\npause = 1", "lab.toml", "lab")
    assert (extended.port, extended.pause) == (2022, 1.0)


def test_it_can_extend_ncwires_own(install):
    install("mx", "PROFILE = {'extends': 'junos', 'port': 22}")
    assert profiles.get("mx").command == "xml-mode netconf need-trailer"


BROKEN = {
    "1/0": "importing {module}:PROFILE failed: ZeroDivisionError: division by zero",
    "raise SystemExit(3)": "importing {module}:PROFILE failed: SystemExit: 3",
    "PROFILE = 3": "{module}:PROFILE is a int: no DeviceProfile, no mapping, no file",
    "PROFILE = {'prt': 3}": "prt: no such option; did you mean port?",
    "PROFILE = {'hostkey_verify': False}": "a profile says nothing about host keys",
    "PROFILE = '/nonexistent/olt.toml'": "cannot be read: No such file or directory",
    "from ncwire.profiles import DeviceProfile\nPROFILE = DeviceProfile(name='otl')": (
        "its entry point is 'olt', it says that it is 'otl'"
    ),
}


@pytest.mark.parametrize("source", BROKEN)
def test_a_broken_one_is_named_with_the_reason_and_hurts_only_itself(install, source, tmp_path):
    install("olt", source)
    told = BROKEN[source].replace("{module}", f"acme_{tmp_path.name}")
    with pytest.raises(ProfileError) as caught:
        profiles.get("olt")
    assert told in str(caught.value)
    assert "acme" in str(caught.value)
    status = status_of("olt")
    assert (status.status, status.profile) == ("broken", None)
    assert told in status.reason
    assert status_of("junos", "ncwire").status == "ok"
    assert profiles.get("junos").description == "Juniper Junos"


def test_ncwires_own_cannot_be_replaced(install):
    install("junos", "PROFILE = {'port': 1}")
    assert profiles.get("junos").port is None
    status = status_of("junos")
    assert status.status == "broken"
    assert "a profile of ncwire's own, which stays in force" in status.reason


def test_one_name_registered_twice_is_refused(install):
    install("olt", "PROFILE = {}")
    install("olt", "PROFILE = {}", distribution="evil")
    with pytest.raises(ProfileError, match=r"registered by .* and .*: uninstall one of them"):
        profiles.get("olt")
