"""Each parameter, error and device handler of ncclient's has its row, and that names what is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

import ncclient
import pytest
from moving_parameters import CONNECT, ERRORS, HANDLERS, OF_TRANSPORTS
from ncclient import devices
from ncclient.transport import SSHSession, TLSSession, UnixSocketSession

import ncwire
from ncwire._plugins import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_THE_MANAGER = {"device_params", "manager_params", "nc_params", "errors_params", "use_libssh"}
SESSIONS = {"connect_tls": (TLSSession, "tls"), "connect_uds": (UnixSocketSession, "unix")}


def parameters_of(function: object) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self"}


def errors_of_ncclient() -> Iterator[type[Exception]]:
    for module in pkgutil.walk_packages(ncclient.__path__, "ncclient."):
        if "libssh" in module.name or "ioproc" in module.name:
            continue  # need another library, and a Junos device
        for each in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(each) and issubclass(each, ncclient.NCClientError):
                yield each


def test_every_parameter_of_ssh_has_its_row():
    assert set(CONNECT) == parameters_of(SSHSession.connect) | OF_THE_MANAGER


@pytest.mark.parametrize("function", OF_TRANSPORTS)
def test_every_parameter_of_another_transport_has_its_row(function):
    session, driver = SESSIONS[function]
    options = {each.name for each in registry.load(driver).driver_options}

    assert set(OF_TRANSPORTS[function]) == parameters_of(session.connect)
    for named, *_ in OF_TRANSPORTS[function].values():
        option = named.removeprefix("driver_options: ")
        assert option in (options if option != named else parameters_of(ncwire.connect))


@pytest.mark.parametrize("parameter", CONNECT)
def test_what_a_parameter_is_called_is_a_parameter(parameter):
    named, verdict, why = CONNECT[parameter]
    assert not named or named in parameters_of(ncwire.connect)
    assert verdict == "same" or why


def test_every_error_has_its_row():
    assert set(ERRORS) == {each.__name__ for each in errors_of_ncclient()}


@pytest.mark.parametrize("error", ERRORS)
def test_what_an_error_is_called_is_an_error(error):
    named, why = ERRORS[error]
    assert why or named
    assert not named or issubclass(getattr(ncwire, named), ncwire.NcwireError)


def test_every_device_handler_has_its_row_and_its_profile():
    handlers = {module.name for module in pkgutil.iter_modules(devices.__path__)}
    assert set(HANDLERS) == handlers
    assert handlers <= set(ncwire.profiles.built_in())
