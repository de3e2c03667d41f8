"""The parameters of `connect`: the same names wherever they can be given, and no others."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

import ncwire
from ncwire import ConnectParameters, SSHSession
from ncwire._ssh.options.parameters import Parameters
from ncwire.inventory.overrides import Overrides
from ncwire.probe import probe

METHOD = inspect.signature(SSHSession.connect).parameters
PASSED_ON = {name: each for name, each in METHOD.items() if name not in ("self", "host")}


def test_those_that_are_passed_on_are_the_methods():
    declared = inspect.get_annotations(ConnectParameters)
    assert list(declared) == list(PASSED_ON)
    assert {name: each.__forward_arg__ for name, each in declared.items()} == {
        name: each.annotation for name, each in PASSED_ON.items()
    }


def test_those_that_are_settled_are_the_methods_with_its_defaults():
    fields = {each.name: each for each in dataclasses.fields(Parameters)}
    assert fields.keys() - {"host", "profile"} == PASSED_ON.keys()
    assert {name: fields[name].default for name in PASSED_ON} == {
        name: each.default for name, each in PASSED_ON.items()
    }
    assert {name: fields[name].type for name in PASSED_ON} == {
        name: each.annotation for name, each in PASSED_ON.items()
    }


def test_who_asks_is_shown_every_parameter_of_connect():
    shown = inspect.signature(ncwire.connect)
    own = ["host", "profile", "driver", "capabilities", "limits", "hub", "known_hosts"]
    assert list(shown.parameters) == [*own, "require_session_id", "observers", *PASSED_ON]
    for name, each in PASSED_ON.items():
        assert shown.parameters[name].default == each.default
        assert shown.parameters[name].annotation == each.annotation
    assert shown.return_annotation == "DriverSession"


def test_an_inventory_takes_the_same():
    shown = inspect.signature(ncwire.connect).parameters
    assert {*inspect.get_annotations(Overrides)} | {*PASSED_ON} == {*shown}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("usernam", r"got an unexpected keyword argument 'usernam'\. Did you mean 'username'\?$"),
        ("colour", "got an unexpected keyword argument 'colour'$"),
        ("self", "got an unexpected keyword argument 'self'$"),
        ("device_params", r"got an .* 'device_params'\. Use profile='junos', say, in place of"),
        ("errors_params", r"got an .* 'errors_params'\. Use rpc\(\.\.\., check=True\)"),
        ("huge_tree", r"got an .* 'huge_tree'\. Use reply\.lxml\(parser\)"),
        ("manager_params", r"got an .* 'manager_params'\. Use Timeouts\(rpc=\.\.\.\)"),
        ("nc_params", r"got an .* 'nc_params'\. Use capabilities, or"),
        ("use_libssh", r"got an .* 'use_libssh'\. Use driver='libssh2'$"),
    ],
)
@pytest.mark.parametrize("function", [ncwire.connect, probe], ids=["connect", "probe"])
def test_a_wrong_name_is_told_before_anything_is_done(function, wrong, told):
    # Not even a wrong value of another parameter is looked at.
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) {told}"):
        function("r1.invalid", known_hosts="/none", driver="none", **{wrong: 1})


def test_a_parameter_that_is_given_twice_is_the_usual_error():
    with pytest.raises(TypeError, match=r"multiple values for (keyword )?argument 'host'"):
        ncwire.connect("r1.invalid", **{"host": "r2.invalid"})  # noqa: PIE804 - see the name
