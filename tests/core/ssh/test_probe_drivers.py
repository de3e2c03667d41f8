"""`probe` where the session of a driver fails that has exchanged keys well."""

from __future__ import annotations

import pytest

import ncwire
from ncwire.driver import Algorithms, Library
from ncwire.errors import AuthenticationError, HelloMissingError, SSHError
from ncwire.probe import Ability, probe
from ncwire.testing import EmbeddedServer
from ncwire.testing.memory import MemoryDriver
from ncwire_libssh2 import Libssh2Driver
from ncwire_paramiko import ParamikoDriver


class Logins:
    """Connects with all drivers but those that fail."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing
        self.drivers: list[str] = []

    def __call__(self, **parameters):
        self.drivers.append(parameters["driver"])
        if parameters["driver"] in self.failing:
            raise self.failing[parameters["driver"]]
        return ncwire.connect(**parameters)


HOLED = Library("libssh2", "1.11.1", bundled=True)
MENDED = Library("libssh2", "1.999")


@pytest.fixture(autouse=True)
def library(request, monkeypatch):
    """What the libssh2 driver stands on, whichever is installed."""
    library = getattr(request, "param", MENDED)
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: (library,))


def probed(login, *, known=False, **more):
    with EmbeddedServer() as server:
        if known:
            more["hostkey_b64"] = server.host_key.base64
        return probe(
            server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
            login=login,
            **more,
        )


def test_the_next_driver_is_tried_and_the_one_that_failed_is_not_advised():
    logins = Logins(paramiko=SSHError("oops"))
    report = probed(logins)
    assert logins.drivers == ["paramiko", "libssh2"]
    assert report.answer is not None
    assert report.answer.driver == "libssh2"
    assert report.problem is None
    assert report.best().driver == "libssh2"
    verdict = next(each for each in report.drivers if each.driver == "paramiko")
    assert verdict.ability is Ability.NO
    assert verdict.reason == "its session failed: oops"


def test_where_all_fail_it_is_no_drivers_fault():
    first = HelloMissingError("hello: first")
    report = probed(Logins(paramiko=first, libssh2=HelloMissingError("hello: second")))
    assert report.problem is first
    assert report.best().driver == "paramiko"


@pytest.mark.parametrize("library", [HOLED], indirect=True)
def test_one_with_a_hole_is_not_tried_at_a_host_that_is_not_known():
    logins = Logins(paramiko=SSHError("oops"))
    assert str(probed(logins).problem) == "oops"
    assert logins.drivers == ["paramiko"]
    assert probed(logins, known=True).answer.driver == "libssh2"


@pytest.mark.parametrize(
    ("library", "tried"), [(HOLED, "paramiko"), (MENDED, "libssh2")], indirect=["library"]
)
def test_in_place_of_one_that_shows_no_steps_one_without_a_hole_is_taken(tried):
    report = probed(Logins(), driver=MemoryDriver)
    assert report.drivers[0].driver == tried


@pytest.mark.parametrize("library", [HOLED], indirect=True)
def test_one_with_a_hole_is_named_for_known_hosts_only(monkeypatch):
    monkeypatch.setattr(ParamikoDriver, "algorithms", Algorithms(kex=("none-of-these",)))
    report = probed(Logins(), driver="paramiko")
    assert report.left_out == (
        "driver 'paramiko' cannot talk to the server; 'libssh2' can, at a host whose key you know "
        "(see: ncwire drivers)"
    )


@pytest.mark.parametrize(
    ("problem", "more"),
    [(AuthenticationError("denied"), {}), (SSHError("oops"), {"driver": "paramiko"})],
)
def test_no_other_after_a_denial_or_when_one_was_asked_for(problem, more):
    logins = Logins(paramiko=problem)
    assert probed(logins, **more).problem is problem
    assert logins.drivers == ["paramiko"]
