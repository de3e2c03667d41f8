"""What a driver declares of its own options, transport and port, and is refused for."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ncwire._plugins import registry
from ncwire.driver import Driver, DriverOption, OptionKind
from ncwire.errors import InvalidDriverError


class Sound(Driver):
    """A driver that keeps the contract."""

    name = "sound"
    contract = (1, 0)
    features = frozenset()

    @classmethod
    def library(cls):
        return "none"

    def connect(self, options, deadline):
        raise NotImplementedError

    def abort(self):
        pass


def option(**fields):
    return DriverOption(**{"name": "a", "kind": OptionKind.TEXT, "meaning": "A.", **fields})


def declaring(**attributes):
    return type("Declaring", (Sound,), {"contract": (1, 0), **attributes})


def test_who_declares_nothing_has_no_options_and_is_over_ssh():
    assert registry.validate(Sound) is Sound
    assert (Sound.driver_options, Sound.transport, Sound.default_port) == ((), "ssh", None)


def test_sound_declarations_are_taken():
    class Declaring(Sound):
        contract = (1, 0)
        transport = "tls"
        default_port = 6513
        driver_options: ClassVar = (
            option(name="cert_file", kind=OptionKind.FILE),
            option(name="mode", default="x", choices=("x", "y")),
            option(name="words", kind=OptionKind.TEXTS, default=("x",)),
            option(name="token", secret=True),
        )

    assert registry.validate(Declaring) is Declaring


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ([option()], "no tuple of DriverOption"),
        (("a",), "'a', which is no DriverOption"),
        ((option(), option()), "declares the option 'a' twice"),
        ((option(name="A"),), "option 'A' has a name that is not of small letters"),
        ((option(name="a-b"),), "option 'a-b' has a name"),
        ((option(name=3),), "option 3 has a name"),
        ((option(kind="text"),), "a kind that is no OptionKind"),
        ((option(meaning=" "),), "option 'a' has no meaning"),
        ((option(choices=["x"]),), "choices that are no tuple of str"),
        ((option(kind=OptionKind.SWITCH, choices=("x",)),), "has choices, and its kind is switch"),
        ((option(secret=1),), "a secret that is no bool"),
        ((option(kind=OptionKind.FILE, secret=True),), "name of a file is none"),
        ((option(secret=True, default="x"),), "is secret, and has a default"),
        ((option(default=3),), "a default that cannot be: 3 is not a string"),
        ((option(default="z", choices=("x", "y")),), "'z' is not one of x, y"),
    ],
)
def test_a_wrong_declaration_is_the_drivers_error(declared, told):
    with pytest.raises(InvalidDriverError, match=told):
        registry.validate(declaring(driver_options=declared))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("transport", ""), ("transport", None), ("default_port", 0), ("default_port", "830")],
)
def test_a_transport_is_a_word_and_a_port_a_port(attribute, value):
    with pytest.raises(InvalidDriverError, match=attribute):
        registry.validate(declaring(**{attribute: value}))
