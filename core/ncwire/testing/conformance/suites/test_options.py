"""Options of a driver's own: the usual names, nothing beside them, and no secret told."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import dataclasses
import logging
import traceback
from typing import TYPE_CHECKING

import pytest

from ncwire._plugins.driver_options import settled
from ncwire._ssh.connecting import connecting
from ncwire.driver import OptionKind
from ncwire.errors import OptionError
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ncwire.testing.conformance.rig import Rig

STANDARD: dict[str, dict[str, set[OptionKind]]] = {
    "tls": {
        "certfile": {OptionKind.FILE},
        "keyfile": {OptionKind.FILE},
        "ca_certs": {OptionKind.FILE},
        "server_hostname": {OptionKind.TEXT},
        "check_hostname": {OptionKind.SWITCH},
        "fingerprint": {OptionKind.TEXTS},
    },
    "unix": {
        "path": {OptionKind.FILE, OptionKind.TEXT},
        "peer_uid": {OptionKind.INTEGER, OptionKind.TEXT},
    },
}
SECRET = "secret-2b7e15"  # noqa: S105 - looked for in what is told
UNKNOWN = "no_such_option"


@rule("options.standard")
def test_options_standard(ncwire_rig: Rig) -> None:
    declared = {option.name: option for option in ncwire_rig.driver.driver_options}
    standard = STANDARD.get(ncwire_rig.target, {})
    assert not [name for name in standard if name not in declared]
    assert not [name for name, kinds in standard.items() if declared[name].kind not in kinds]
    if "check_hostname" in standard:
        assert declared["check_hostname"].default is True


@rule("options.only-declared")
def test_options_only_declared(ncwire_rig: Rig) -> None:
    options = ncwire_rig.options(ncwire_rig.host())
    asked = _Asked(options.driver_options)
    watched = dataclasses.replace(options, driver_options=asked)
    ncwire_rig.connect(watched)
    assert asked.names <= {option.name for option in ncwire_rig.driver.driver_options}
    with pytest.raises(OptionError, match=UNKNOWN):
        settled(ncwire_rig.driver, {UNKNOWN: 1})


@rule("options.no-secret")
def test_options_no_secret(ncwire_rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    secrets = [
        option.name
        for option in ncwire_rig.driver.driver_options
        if option.secret and option.kind is OptionKind.TEXT
    ]
    if not secrets:
        pytest.skip("no option of the driver's is secret")
    caplog.set_level(logging.DEBUG)
    options = ncwire_rig.options(ncwire_rig.host(), driver_options=dict.fromkeys(secrets, SECRET))
    driver = ncwire_rig.driver()
    ncwire_rig.later("the driver", driver.abort)
    told = [repr(options)]
    dialling = Task(connecting(driver, options, ncwire_rig.soon()).run, "the driver's connect")
    try:
        channel = dialling.result(2 * ncwire_rig.patience)
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - whether it connects with that is not asked here
        told += [*traceback.format_exception(error), repr(error)]
    else:
        ncwire_rig.later("the channel", channel.abort)
        told += [repr(channel), repr(channel.info), repr(channel.native)]
    told += [repr(driver), caplog.text]
    assert SECRET not in "".join(told)


class _Asked(dict[str, object]):
    """Options that note which of them are asked for."""

    def __init__(self, options: Mapping[str, object]) -> None:
        super().__init__(options)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> object:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def get(self, name: str, default: object = None) -> object:
        self.names.add(name)
        return super().get(name, default)
