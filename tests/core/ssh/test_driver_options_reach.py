"""A driver's own options on the way to it: what reaches it, when, and what never does."""

from __future__ import annotations

import socket
from typing import ClassVar

import pytest

import ncwire
from ncwire._plugins import registry
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, Driver, DriverOption, OptionKind
from ncwire.errors import OptionError, TransportError
from ncwire.testing import EmbeddedServer

pytestmark = pytest.mark.usefixtures("home")

OPTIONS = (
    DriverOption(name="depth", kind=OptionKind.INTEGER, meaning="A depth.", default=3),
    DriverOption(name="token", kind=OptionKind.TEXT, meaning="A secret.", secret=True),
)


def with_options(name):
    """Return a subclass of a real driver that has options, and the list of what it is told."""
    told = []

    class Optioned(registry.load(name)):
        contract = (1, 0)
        driver_options: ClassVar = OPTIONS

        def configure(self, options):
            told.append(dict(options))
            if options["depth"] == 13:
                raise OptionError("driver_options.depth", "13 does not go with this")

        def handshake(self, sock, algorithms, deadline):
            told.append("handshake")
            return super().handshake(sock, algorithms, deadline)

    return Optioned, told


@pytest.fixture(params=["paramiko", "libssh2"])
def optioned(request):
    return with_options(request.param)


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer(password="pw") as server:
        yield server


def connect(driver, port, **more):
    return ncwire.connect(
        "127.0.0.1", port=port, username="admin", password="pw", driver=driver,
        hostkey_verify=False, allow_agent=False, look_for_keys=False, **more,
    )  # fmt: skip


def test_an_ssh_driver_is_configured_before_any_other_step(optioned, server):
    driver, told = optioned
    with connect(driver, server.port, driver_options={"token": "hunter2"}) as session:
        assert session.connected
    assert told == [{"depth": 3, "token": "hunter2"}, "handshake"]


def test_options_of_a_profile_are_under_those_that_are_given(optioned, server):
    driver, told = optioned
    profile = ncwire.DeviceProfile(
        name="lab", driver_options={driver.name: {"depth": 5}, "other": {"colour": "red"}}
    )
    connect(driver, server.port, profile=profile).close()
    assert told[0]["depth"] == 5
    connect(driver, server.port, profile=profile, driver_options={"depth": 7}).close()
    assert told[2]["depth"] == 7


def test_what_the_driver_refuses_in_configure_is_told_and_nothing_is_sent(optioned):
    driver, told = optioned
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OptionError, match="13 does not go with this"):
            ncwire.connect(
                None, sock=ours, username="admin", password="pw", driver=driver,
                hostkey_verify=False, allow_agent=False, driver_options={"depth": 13},
            )  # fmt: skip
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
        assert ours.fileno() != -1  # still the caller's
    assert "handshake" not in told


@pytest.mark.parametrize("given", [{"colour": 1}, {"depth": "deep"}, {"token": 31337}, ["depth"]])
def test_what_is_wrong_is_refused_before_the_driver_is_made(given):
    class NeverMade(registry.load("paramiko")):
        contract = (1, 0)
        driver_options: ClassVar = OPTIONS

        def __init__(self):
            raise AssertionError("it was made")

    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(OptionError, match="driver_options") as caught:
        ncwire.connect(
            None, sock=ours, username="admin", driver=NeverMade, hostkey_verify=False,
            driver_options=given,
        )  # fmt: skip
    assert "31337" not in str(caught.value)


@pytest.fixture
def whole():
    """A driver of one step, and what it has found in its options."""
    seen = []

    class Whole(Driver):
        name = "whole"
        contract = (1, 0)
        features = frozenset()
        driver_options: ClassVar = OPTIONS

        @classmethod
        def library(cls):
            return "none"

        def connect(self, options, deadline):
            seen.append((dict(options.driver_options), repr(options)))
            raise TransportError("enough")

        def abort(self):
            pass

    return Whole, seen


def test_where_the_options_are_not_a_sessions_the_defaults_are_there(whole):
    driver, seen = whole
    options = ConnectOptions(host="r1", username="admin")
    with pytest.raises(TransportError, match="enough"):
        connecting(driver(), options, Deadline.after(30, "connect")).run()
    ((own, _),) = seen
    assert own == {"depth": 3, "token": None}


def test_a_driver_of_one_step_finds_them_in_its_options(whole):
    driver, seen = whole
    with pytest.raises(TransportError, match="enough"):
        ncwire.connect("r1", username="admin", driver=driver, driver_options={"token": "hunter2"})
    ((own, shown),) = seen
    assert own == {"depth": 3, "token": "hunter2"}
    assert "hunter2" not in shown
