"""Which drivers an error names, by the holes of the libraries beneath them."""

from __future__ import annotations

import dataclasses

import pytest

from ncwire import profiles
from ncwire._algorithms import offer
from ncwire._plugins import recommended, registry
from ncwire.driver import Algorithms, Feature, Library
from ncwire.errors import UnsupportedOption
from ncwire.profiles.driver_choice import choose
from ncwire_libssh2 import Libssh2Driver
from ncwire_paramiko import ParamikoDriver

KNOWN_ONLY = "libssh2 (at a host whose key you know; see: ncwire drivers)"


@pytest.fixture
def bundled(monkeypatch):
    """A libssh2 as the wheel brings it, whichever is installed."""
    library = Library("libssh2", "1.11.1", bundled=True)
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: (library,))


@pytest.fixture
def mended(monkeypatch):
    """A libssh2 without a hole."""
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: ())


def needing(feature: Feature, monkeypatch) -> str:
    """Return what is told who asks for a feature that paramiko has lost."""
    monkeypatch.setattr(ParamikoDriver, "features", ParamikoDriver.features - {feature})
    with pytest.raises(UnsupportedOption) as caught:
        choose("paramiko", None, {"keepalive": feature})
    return str(caught.value)


def requiring(monkeypatch) -> str:
    profile = profiles.parse('[requires]\nhost_keys = ["ssh-rsa"]', "lab.toml", "lab")
    with pytest.raises(UnsupportedOption) as caught:
        choose("paramiko", profile, {})
    return str(caught.value)


def requiring_a_feature(monkeypatch) -> str:
    name = Feature.KEEPALIVE.value
    monkeypatch.setattr(ParamikoDriver, "features", ParamikoDriver.features - {Feature.KEEPALIVE})
    profile = profiles.parse(f'[requires]\nfeatures = ["{name}"]', "lab.toml", "lab")
    with pytest.raises(UnsupportedOption) as caught:
        choose("paramiko", profile, {})
    return str(caught.value)


def wanting(monkeypatch) -> str:
    with pytest.raises(UnsupportedOption) as caught:
        offer.choose(ParamikoDriver, (), Algorithms(host_keys=("ssh-rsa",)))
    return str(caught.value)


WAYS = [
    (lambda monkeypatch: needing(Feature.KEEPALIVE, monkeypatch), ["openssh"]),
    (requiring, []),
    (requiring_a_feature, ["openssh"]),
    (wanting, []),
]
"""How to ask for what paramiko has not, and which drivers have it beside libssh2."""


@pytest.mark.parametrize(("ask", "others"), WAYS)
def test_one_with_a_hole_is_named_for_known_hosts_only(ask, others, bundled, monkeypatch):
    assert ask(monkeypatch).endswith(f"these drivers do: {', '.join([*others, KNOWN_ONLY])}")


@pytest.mark.parametrize(("ask", "others"), WAYS)
def test_one_without_is_named_for_all(ask, others, mended, monkeypatch):
    assert ask(monkeypatch).endswith(f"these drivers do: {', '.join(['libssh2', *others])}")


def test_those_without_a_hole_come_first(bundled):
    assert recommended.who_can(Feature.PASSWORD) == (
        f"these drivers do: openssh, paramiko, {KNOWN_ONLY}"
    )


def test_one_that_cannot_be_used_is_not_named(monkeypatch):
    states = [dataclasses.replace(status, status="unavailable") for status in registry.survey()]
    monkeypatch.setattr(registry, "survey", lambda: states)
    assert recommended.who_can(Feature.PASSWORD) == "no installed driver does"
