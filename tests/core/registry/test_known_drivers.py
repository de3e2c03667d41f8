"""Drivers that are known: the data, and what a user is told of one that is not installed."""

from __future__ import annotations

import configparser
import importlib.metadata
from pathlib import Path

import pytest

from ncwire._plugins import registry
from ncwire._plugins.known_drivers import known_drivers
from ncwire.errors import DriverNotFoundError

SETUP = Path(__file__).parents[3] / "setup.cfg"


def setup():
    parser = configparser.ConfigParser()
    parser.read(SETUP, encoding="utf-8")
    return parser


def test_each_driver_of_ours_is_known_by_its_name():
    points = setup()["options.entry_points"]["ncwire.drivers"].strip().splitlines()
    ours = {point.partition("=")[0].strip() for point in points}
    assert ours <= {name for name, each in known_drivers().items() if each.package == "ncwire"}


def test_what_is_installed_by_an_extra_has_one():
    extras = setup()["options.extras_require"]
    for each in known_drivers().values():
        _, bracket, extra = each.install.partition("ncwire[")
        assert not bracket or extra.rstrip("]'") in extras


def test_one_that_is_not_installed_is_told_with_its_package(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "distributions", list)
    registry.load.cache_clear()  # another test may have had it
    with pytest.raises(DriverNotFoundError, match=r"pip install 'ncwire\[libssh2\]'"):
        registry.choose("libssh2")


def test_one_that_nobody_knows_is_told_with_those_that_there_are():
    with pytest.raises(DriverNotFoundError, match="no installed package registers it"):
        registry.choose("nonesuch")
