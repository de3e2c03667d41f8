"""`ncwire drivers`, with good drivers and bad ones."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

import pytest

from metadata import write_metadata
from ncwire.driver import Library
from ncwire_libssh2 import Libssh2Driver

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution whose driver cannot be imported."""
    (tmp_path / "shattered_driver.py").write_text("raise OSError('\\x1b[1mno\\x1b[0m')\n")
    write_metadata(tmp_path, "shattered", "3.1", "ncwire.drivers", shattered="shattered_driver:D")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


@pytest.mark.usefixtures("broken")
def test_the_table_tells_good_from_bad_in_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    code, out, err = run("drivers")

    assert (code, err) == (0, "")
    heading, _, *rows = out.splitlines()
    assert heading.split() == ["name", "version", "contract", "library", "status", "remedy"]
    assert any("paramiko" in row and "1.0" in row and "ok" in row for row in rows)
    assert any("shattered" in row and "3.1" in row and "broken" in row for row in rows)
    assert all(len(row) <= 80 for row in rows if not row.startswith("shattered: "))
    assert "shattered: importing shattered_driver:D failed: OSError: \\x1b[1mno" in out


@pytest.mark.usefixtures("broken")
def test_json_is_for_programs(run):
    code, out, _ = run("drivers", "--json")

    assert code == 0
    listed = {driver["name"]: driver for driver in json.loads(out)}
    assert listed["paramiko"]["status"] == "ok"
    assert listed["paramiko"]["library"].startswith("paramiko ")
    assert "password" in listed["paramiko"]["features"]
    assert listed["shattered"]["status"] == "broken"
    assert listed["shattered"]["remedy"] == "reinstall or repair shattered 3.1"


def test_known_vulnerabilities_are_told_with_how_to_have_a_mended_library(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    bundled = Library("libssh2", "1.11.1", "/x/ssh2_python.libs/libssh2.so.1", bundled=True)
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: [bundled])

    code, out, _ = run("drivers")

    assert code == 0
    assert "known vulnerabilities of libssh2 1.11.1, bundled (reviewed 20" in out
    (row,) = (row for row in out.splitlines() if row.startswith("CVE-2026-66033"))
    assert row.split()[:3] == ["CVE-2026-66033", "guarded", "open"]
    assert "CVE-2026-7598" in out.partition("not reachable through ncwire: ")[2]
    assert "SYSTEM_LIBSSH2=1 pip install" in out
    assert all(len(row) <= 80 for row in out.splitlines())


def test_the_systems_library_is_told_from_a_bundled_one(run, monkeypatch):
    system = Library("libssh2", "1.11.1", "/nowhere/libssh2.so.1", bundled=False)
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: [system])

    _, out, _ = run("drivers")

    assert "libssh2 1.11.1, system's" in out
    (row,) = (row for row in out.splitlines() if row.startswith("CVE-2026-66033"))
    assert "not known" in row
    assert "SYSTEM_LIBSSH2=1" not in out


def test_vulnerabilities_are_in_the_json_too(run, monkeypatch):
    bundled = Library("libssh2", "1.11.1", bundled=True)
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: [bundled])

    _, out, _ = run("drivers", "--json")

    listed = {driver["name"]: driver for driver in json.loads(out)}
    (found,) = (
        each for each in listed["libssh2"]["vulnerabilities"] if each["id"] == "CVE-2026-66033"
    )
    assert (found["standing"], found["accepted"], found["harm"]) == ("affected", "open", "memory")
    assert listed["libssh2"]["libraries"][0]["bundled"] is True
    assert listed["paramiko"]["vulnerabilities-reviewed"].startswith("20")


def test_the_algorithms_of_each_driver_are_told_with_what_is_offered_by_default(run):
    code, out, err = run("drivers", "--algorithms")

    assert (code, err) == (0, "")
    lines = dict(line.split(": ") for line in out.splitlines())
    assert lines["paramiko ciphers, offered"].startswith("aes128-gcm@openssh.com, aes256-gcm@")
    assert "3des-cbc" in lines["paramiko ciphers, if allowed"]
    assert "chacha20-poly1305@openssh.com" in lines["libssh2 ciphers, offered"]
    assert lines["libssh2 host_keys, if allowed"] == "ssh-rsa"
    assert "zlib@openssh.com" in lines["libssh2 compression, if allowed"]


def test_the_algorithms_as_json_are_all_that_there_are(run):
    code, out, _ = run("drivers", "--algorithms", "--json")

    assert code == 0
    assert "ssh-rsa" in json.loads(out)["libssh2"]["host_keys"]
