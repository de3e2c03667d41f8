"""Missing servers are a reason to skip; under CI they are a failure."""

from __future__ import annotations

import pytest

from servers import requirement


def test_without_ci_a_missing_program_skips_and_names_its_package(monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"no-such-daemon.*Debian package no-such"):
        requirement.program("no-such-daemon", "no-such")


def test_with_ci_it_fails(monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match=r"no-such-daemon.*Debian package no-such"):
        requirement.program("no-such-daemon", "no-such")


def test_daemons_are_found_whatever_path_says(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    assert requirement.program("sshd", "openssh-server").name == "sshd"
