"""Unix sockets: what is not there, and whose the other end is."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import os
import pwd
import socket
from typing import TYPE_CHECKING

import pytest

from ncwire.driver import OptionKind
from ncwire.errors import ConnectError, TransportError
from ncwire.testing.conformance.marking import rule

if TYPE_CHECKING:
    from ncwire.testing.conformance.host import Host
    from ncwire.testing.conformance.rig import Rig


@rule("unix.no-path")
@pytest.mark.parametrize("what", ["nothing", "no socket", "nobody"])
def test_unix_no_path(ncwire_rig: Rig, what: str) -> None:
    folder = ncwire_rig.sockets.folder
    path = str(folder / "nobody-here")
    if what == "no socket":
        (folder / "nobody-here").write_text("", encoding="ascii")
    elif what == "nobody":
        path = ncwire_rig.sockets.silent_path()
    error = ncwire_rig.failure(ncwire_rig.options(driver_options={"path": path}))
    assert isinstance(error, ConnectError)
    assert path in str(error)


@rule("unix.peer-uid")
@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system has no SO_PEERCRED")
def test_unix_peer_uid(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    for account in pwd.getpwall():
        if account.pw_uid == os.geteuid():
            line, end = ncwire_rig.open(host, driver_options=_peer(ncwire_rig, account))
            end.send(b"welcome")
            assert line.receive(7) == b"welcome"
            break
    other = next(each for each in pwd.getpwall() if each.pw_uid != os.geteuid())
    options = ncwire_rig.options(host, driver_options=_peer(ncwire_rig, other))
    before = host.sessions
    error = ncwire_rig.failure(options)
    assert isinstance(error, TransportError)
    _nothing_was_sent(ncwire_rig, host, before)


def _peer(rig: Rig, account: pwd.struct_passwd) -> dict[str, object]:
    kinds = {option.name: option.kind for option in rig.driver.driver_options}
    by_number = kinds.get("peer_uid") is OptionKind.INTEGER
    return {"peer_uid": account.pw_uid if by_number else account.pw_name}


def _nothing_was_sent(rig: Rig, host: Host, before: int) -> None:
    if host.sessions > before:
        assert host.end().receiving_to_end().result(rig.patience) == b""
