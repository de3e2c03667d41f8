"""What a listener refuses before it listens."""

from __future__ import annotations

import math

import pytest
from scripted_driver import scripted

import ncwire
from ncwire.callhome import listen
from ncwire.driver import Algorithms, Driver, Feature
from ncwire.errors import (
    OptionError,
    StepTimeoutError,
    UnsupportedOption,
)

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("port", -1), ("port", 65536), ("port", "4334"), ("port", True), ("concurrency", 0),
        ("backlog", 0), ("on_session", 7), ("on_refused", 7), ("timeout", 0), ("timeout", "x"),
        ("timeouts", 7), ("algorithms", 7), ("address", 7),
        ("driver_options", 7), ("driver_options", {"colour": "red"}),
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(opened, parameter, value):
    with pytest.raises(OptionError, match=parameter):
        opened(**{parameter: value})


def test_algorithms_that_the_driver_has_not_are_refused(opened):
    with pytest.raises(UnsupportedOption, match=r"algorithms\.ciphers"):
        opened(algorithms=Algorithms(ciphers=("aes128-cbc",)))


def test_a_driver_that_hands_over_no_host_key_cannot_listen(opened):
    driver = scripted()
    driver.features = frozenset({Feature.SOCKET, Feature.PASSWORD})
    with pytest.raises(UnsupportedOption, match=r"callhome\.listen; these drivers do: .*paramiko"):
        opened(driver)


def test_a_driver_that_takes_no_socket_cannot_listen(opened):
    driver = scripted()
    driver.features = frozenset({Feature.HOST_KEY, Feature.PASSWORD})
    with pytest.raises(UnsupportedOption, match="sock"):
        opened(driver)


def test_a_driver_that_does_all_in_one_step_cannot_listen(opened):
    class AllInOne(Driver):
        name = "all-in-one"
        contract = (1, 0)
        features = frozenset({Feature.HOST_KEY, Feature.SOCKET, Feature.PASSWORD})

        @classmethod
        def library(cls):
            return "none"

        def connect(self, options, deadline):
            raise AssertionError

        def abort(self):
            raise AssertionError

    with pytest.raises(UnsupportedOption, match="SSHDriver"):
        opened(AllInOne)


def test_import_ncwire_is_enough():
    assert ncwire.callhome.listen is listen
    assert ncwire.callhome.PORT == 4334


@pytest.mark.parametrize("seconds", ["5", -1, math.nan, math.inf, True])
def test_accept_refuses_what_is_no_number_of_seconds(opened, seconds):
    listener = opened()
    with pytest.raises(OptionError, match=r"timeout: .* is no number of seconds, from 0"):
        listener.accept(seconds)
    with pytest.raises(StepTimeoutError):
        listener.accept(0)
