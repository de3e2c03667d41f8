"""Which ssh the driver openssh can be used with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ncwire.errors import DriverUnavailable
from ncwire_openssh import OpenSSHDriver
from ncwire_openssh.program import number


@pytest.fixture
def ssh_that_says(tmp_path, monkeypatch):
    """Put a program on PATH, alone, which says that as its version."""

    def ssh_that_says(text: str) -> None:
        program = tmp_path / "ssh"
        program.write_text(f"#!/bin/sh\necho '{text}' >&2\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")

    return ssh_that_says


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("OpenSSH 9.2p1 Debian-2+deb12u10", (9, 2)),
        ("OpenSSH_10.5", (10, 5)),
        ("OpenSSH_for_Windows_9.5p1", (9, 5)),
        ("Dropbear v2022.83", None),
        ("", None),
    ],
)
def test_a_versions_number(told, found):
    assert number(told) == found


@pytest.mark.parametrize("text", ["OpenSSH_8.4p1 Debian-5, OpenSSL 1.1.1w", "Dropbear v2022.83"])
def test_an_ssh_that_is_too_old_or_another_is_told_with_what_mends_it(ssh_that_says, text):
    ssh_that_says(text)
    with pytest.raises(DriverUnavailable, match=r"8\.5 is needed") as caught:
        OpenSSHDriver.check_available()
    assert "apt-get install openssh-client" in str(caught.value)


def test_one_that_is_new_enough(ssh_that_says):
    ssh_that_says("OpenSSH_8.5p1, OpenSSL 1.1.1w")
    OpenSSHDriver.check_available()
    assert OpenSSHDriver.library() == "OpenSSH 8.5p1"


def test_no_ssh_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DriverUnavailable, match="not installed"):
        OpenSSHDriver.check_available()


def test_import_ncwire_costs_nothing_of_it():
    program = "import ncwire, sys; print([m for m in sys.modules if 'openssh' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
