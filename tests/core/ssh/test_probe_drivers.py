"""`probe` where the session of a driver fails that has exchanged keys well."""

from __future__ import annotations

import pytest

import ncwire
from ncwire.errors import AuthenticationError, HelloMissingError, SSHError
from ncwire.probe import Ability, probe
from ncwire.testing import EmbeddedServer


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


def probed(login, **more):
    with EmbeddedServer() as server:
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


@pytest.mark.parametrize(
    ("problem", "more"),
    [(AuthenticationError("denied"), {}), (SSHError("oops"), {"driver": "paramiko"})],
)
def test_no_other_after_a_denial_or_when_one_was_asked_for(problem, more):
    logins = Logins(paramiko=problem)
    assert probed(logins, **more).problem is problem
    assert logins.drivers == ["paramiko"]
