"""What is known of the libraries' vulnerabilities, and what follows for those that are loaded."""

from __future__ import annotations

import gzip
import os
from datetime import date, timedelta

import pytest

from ncwire._plugins import registry, vulnerabilities
from ncwire.driver import Library

BUNDLED = Library("libssh2", "1.11.1", "/venv/ssh2_python.libs/libssh2-1.so", bundled=True)
REVIEW_EVERY = timedelta(days=180)


def ids(*libraries: Library) -> set[str]:
    return {each.vulnerability.id for each in vulnerabilities.findings(libraries)}


def test_each_entry_says_what_why_and_from_where():
    known = vulnerabilities.published()
    assert len({each.id for each in known}) == len(known)
    for each in known:
        assert each.library in {"libssh2", "paramiko"}
        assert {each.unjudged, each.accepted} <= {"not reachable", "guarded", "open"}
        assert each.harm in {"memory", "service", "trust"}
        assert each.what
        assert each.how
        assert each.sources


def test_nothing_is_open_to_a_peer_whose_host_key_was_not_judged():
    assert [each.id for each in vulnerabilities.published() if each.unjudged == "open"] == []


def test_the_list_was_reviewed_not_long_ago():
    """In the project's CI, that is: an old version's tests must go on passing elsewhere."""
    reviewed = vulnerabilities.reviewed()
    if date.today() - reviewed > REVIEW_EVERY:  # noqa: DTZ011 - a day more or less is no matter
        overdue = pytest.fail if "CI" in os.environ else pytest.skip
        overdue(
            f"core/ncwire/_plugins/vulnerabilities.toml was last reviewed on {reviewed}: "
            "compare it with what is published for libssh2 and paramiko since, and set `reviewed`"
        )


@pytest.mark.parametrize(
    ("version", "concerned"),
    [
        ("1.10.0", False),
        ("1.11.0", True),
        ("1.11.1", True),
        ("1.11.2_DEV", False),
        ("1.12", False),
    ],
)
def test_only_the_versions_affected_are_concerned(version, concerned):
    library = Library("libssh2", version, bundled=True)
    assert ("CVE-2026-66033" in ids(library)) == concerned


def test_a_library_of_another_name_is_not_concerned():
    assert ids(Library("libssh", "1.11.1", bundled=True)) == set()


def test_the_bundled_libssh2_is_open_to_a_stranger_and_paramiko_is_not():
    assert set(vulnerabilities.open_to_a_stranger([BUNDLED])) >= {"CVE-2026-66033"}
    paramiko = Library("paramiko", "5.1.0")
    assert vulnerabilities.open_to_a_stranger([paramiko]) == ()


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Return a function that gives a library of the system's, with such a changelog."""
    monkeypatch.setattr(vulnerabilities, "DOCUMENTATION", tmp_path)
    monkeypatch.setattr(vulnerabilities, "SYSTEM", (str(tmp_path),))

    def library(changelog: bytes | None) -> Library:
        if changelog is not None:
            folder = tmp_path / "libssh2-1t64"
            folder.mkdir()
            (folder / "changelog.Debian.gz").write_bytes(changelog)
        return Library("libssh2", "1.11.1", str(tmp_path / "libssh2.so.1.0.1"), bundled=False)

    return library


def standing(library: Library, which: str) -> str:
    (found,) = (
        each for each in vulnerabilities.findings([library]) if each.vulnerability.id == which
    )
    return found.standing


def test_what_the_distributions_changelog_names_is_mended(system):
    library = system(gzip.compress(b"libssh2 (1.11.1-1+deb13u2)\n  * CVE-2026-66033\n"))
    assert standing(library, "CVE-2026-66033") == "mended"
    assert standing(library, "CVE-2026-66035") == "affected"


@pytest.mark.parametrize(
    "changelog",
    [None, b"no gzip", gzip.compress(b"x" * 999)[:-9]],
    ids=["none", "no gzip", "cut off"],
)
def test_without_a_changelog_it_is_not_known_and_no_hole_is_claimed(system, changelog):
    library = system(changelog)
    assert standing(library, "CVE-2026-66033") == "not known"
    assert vulnerabilities.open_to_a_stranger([library]) == ()


def test_the_drivers_tell_which_libraries_are_loaded():
    told = {status.name: status.libraries for status in registry.survey()}
    assert [each.name for each in told["paramiko"]] == ["paramiko"]
    assert [each.name for each in told["libssh2"]] == ["ssh2-python", "libssh2"]
    (libssh2,) = (each for each in told["libssh2"] if each.name == "libssh2")
    assert libssh2.version.startswith("1.")
    assert "libssh2" in libssh2.path
    # As the wheel of ssh2-python has it, which the tests are installed with.
    assert libssh2.bundled == ("ssh2_python.libs" in libssh2.path)
