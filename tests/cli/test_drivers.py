"""`ncwire drivers`, with good drivers and bad ones."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution whose driver cannot be imported."""
    (tmp_path / "shattered_driver.py").write_text("raise OSError('\\x1b[1mno\\x1b[0m')\n")
    info = tmp_path / "shattered-3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shattered\nVersion: 3.1\n")
    (info / "entry_points.txt").write_text("[ncwire.drivers]\nshattered = shattered_driver:D\n")
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
