"""`install` and `uninstall`: in place, told once, and not for who moves the bytes itself."""

from __future__ import annotations

import logging
import threading

import pytest
from drop_in_arguments import arguments_for
from ncclient import manager, transport
from ncclient.transport.session import Session
from ncclient.transport.ssh import SSHSession as ImportedBefore
from ncclient.transport.tls import TLSSession
from ncclient.transport.unixSocket import UnixSocketSession

import ncwire
from ncwire.contrib import ncclient as drop_in
from ncwire.testing import EmbeddedServer
from waiting import eventually


def test_what_was_imported_before_is_carried(installed, connect):
    found = connect()

    assert type(found._session) is ImportedBefore
    assert isinstance(found._session, Session)
    assert found.get_config("running").ok
    assert found.connected


def test_uninstall_restores_what_was_there(server):
    classes = (ImportedBefore, TLSSession, UnixSocketSession)
    before = [dict(vars(each)) for each in classes]
    libssh = getattr(manager, "connect_libssh", None)
    made = manager.Manager.__init__
    drop_in.install()
    assert dict(vars(ImportedBefore)) != before[0]
    drop_in.install(driver="libssh2")
    drop_in.uninstall()
    drop_in.uninstall()

    assert [dict(vars(each)) for each in classes] == before
    assert getattr(manager, "connect_libssh", None) is libssh
    assert manager.Manager.__init__ is made
    own = manager.connect(**arguments_for(server))
    assert type(own._session.transport).__module__ == "paramiko.transport"
    own.close_session()


def test_a_session_that_is_open_stays_carried(installed, server):
    with manager.connect(**arguments_for(server)) as found:
        drop_in.uninstall()
        assert found.get_config("running").ok
        own = manager.connect(**arguments_for(server))
        assert type(own._session.transport).__module__ == "paramiko.transport"
        assert own.get_config("running").ok
        own.close_session()
        assert found.get_config("running").ok
    assert not found.connected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"driver": "libssh2x"}, "did you mean 'libssh2'"),
        ({"driver": "tls"}, "carries NETCONF over tls"),
        ({"driver": "unix"}, r"connect_tls and connect_uds .* drivers tls and unix by themselves"),
        ({"driver": "unix"}, r"a driver of SSH.*libssh2.*openssh.*paramiko"),
        ({"driver": 7}, "is no subclass of"),
        ({"profile": "jnuos"}, "did you mean 'junos'"),
        ({"hub": 3}, "hub: must be a Hub"),
    ],
)
def test_what_is_wrong_is_told_at_once_and_changes_nothing(given, said):
    before = dict(vars(ImportedBefore))
    with pytest.raises(ncwire.NcwireError, match=said):
        drop_in.install(**given)
    assert dict(vars(ImportedBefore)) == before


def test_a_driver_that_is_not_of_ssh_is_told_of_for_a_single_session(server):
    with pytest.raises(ncwire.OptionError, match="connect_tls and connect_uds") as raised:
        drop_in.connect(driver="tls", **arguments_for(server))
    assert isinstance(raised.value, transport.SSHError)


def test_it_is_told_once(caplog):
    caplog.set_level(logging.INFO, "ncwire.contrib.ncclient")
    drop_in.install(driver="libssh2")
    drop_in.install(driver="libssh2")
    drop_in.uninstall()

    assert len(caplog.records) == 1
    assert "libssh2" in caplog.text


def test_the_same_functions_without_installing(driver, server):
    for connect in (drop_in.connect, drop_in.connect_ssh, drop_in.connect_libssh):
        with connect(driver=driver, **arguments_for(server)) as found:
            assert type(found) is manager.Manager
            assert isinstance(found._session, ImportedBefore)
            assert found.get_config("running").ok
            assert type(found._session.transport).__module__.startswith("ncwire")
    assert ImportedBefore.connect.__module__ == "ncclient.transport.ssh"
    assert not hasattr(ImportedBefore.connect, "__wrapped__")


@pytest.mark.skipif(not hasattr(manager, "connect_libssh"), reason="came with ncclient 0.7")
def test_libssh_needs_no_ssh_python(installed, server):
    with manager.connect(use_libssh=True, **arguments_for(server)) as found:
        assert found.get_config("running").ok


def test_on_a_hub_all_sessions_are_one_thread(driver, server):
    with ncwire.Hub() as hub:
        drop_in.install(driver=driver, hub=hub)
        try:
            managers = [manager.connect(**arguments_for(server)) for _ in range(5)]
        finally:
            drop_in.uninstall()
        assert len(hub) == 5
        assert {each.get_config("running").ok for each in managers} == {True}
        assert all(each._session.is_alive() for each in managers)
        for each in managers:
            each.close_session()
        assert len(hub) == 0


class ReplacesIO(transport.SSHSession):
    def _transport_read(self):
        return super()._transport_read()


class ReplacesNothing(transport.SSHSession):
    def close(self):
        self.was_closed = True
        super().close()


def session_of(cls):
    return cls(manager.make_device_handler({"name": "default"}))


def test_a_subclass_that_replaces_io_keeps_its_own_transport(installed, server, caplog):
    caplog.set_level(logging.INFO, "ncwire.contrib.ncclient")
    for _ in range(2):
        session = session_of(ReplacesIO)
        session.connect(**arguments_for(server))
        assert type(session.transport).__module__ == "paramiko.transport"
        session.close()

    told = [each.getMessage() for each in caplog.records if "ReplacesIO" in each.getMessage()]
    assert len(told) == 1
    assert "_transport_read" in told[0]


def test_a_subclass_that_does_not_is_carried_and_its_methods_are_called(installed, server):
    session = session_of(ReplacesNothing)
    assert not session.is_alive()  # as yang.connector asks, before it connects
    session.connect(**arguments_for(server))
    assert session.is_alive()
    assert type(session.transport).__module__.startswith("ncwire")
    session.close()
    assert session.was_closed
    assert not session.is_alive()


@pytest.mark.parametrize("name", ["_auth", "_post_connect", "run"])
def test_a_stand_in_for_io_keeps_its_own_transport(installed, server, monkeypatch, name):
    class StandInError(Exception):
        pass

    def stand_in(*arguments, **keywords):
        raise StandInError

    session = session_of(transport.SSHSession)
    monkeypatch.setattr(session, name, stand_in)
    if name == "run":
        # ncclient's own hello never comes then; that it is asked for is what is shown here.
        monkeypatch.setattr(session, "start", stand_in)
    with pytest.raises(StandInError):
        session.connect(**arguments_for(server))
    session.close()


def test_nothing_is_left_of_a_connect_that_fails(installed, server):
    before = set(threading.enumerate())
    session = session_of(transport.SSHSession)
    with pytest.raises(transport.AuthenticationError):
        session.connect(**arguments_for(server, password="wrong"))

    assert session.transport is None  # of which programs make whether to close it
    session.close()
    assert not session.connected
    left = {each.name for each in set(threading.enumerate()) - before}
    assert {name for name in left if name.startswith("ncwire-relay")} == set()
    assert "session" not in left  # as ncclient names its threads


def test_a_session_that_is_open_connects_no_second_time(installed, connect, server):
    found = connect()
    with pytest.raises(transport.TransportError, match="connects only once") as raised:
        found._session.connect(**arguments_for(server))
    assert isinstance(raised.value, ncwire.TransportError)
    assert found.get_config("running").ok


def test_nothing_is_left_of_a_manager_that_cannot_be_made(driver):
    with EmbeddedServer() as alone:
        arguments = arguments_for(alone, manager_params={"nonsense": 1})
        with pytest.raises(TypeError, match="nonsense"):
            drop_in.connect(driver=driver, **arguments)
        eventually(lambda: alone.last_session is not None and not alone.sessions)


def test_a_timeout_may_be_a_string(driver, server):
    with drop_in.connect(driver=driver, **arguments_for(server, timeout="20")) as found:
        assert found.timeout == 20
        found._session.transport.set_keepalive("10")
        assert found.get_config("running").ok


@pytest.mark.parametrize("given", [{"timeout": "20"}, {"manager_params": {"timeout": "20"}}])
@pytest.mark.parametrize("made_by", [manager.connect, manager.connect_ssh, drop_in.connect])
def test_an_rpc_may_have_it_as_a_string_too(installed, server, made_by, given):
    with made_by(**arguments_for(server, **given)) as found:
        assert found.timeout == 20
        assert found.get_config("running").ok


@pytest.mark.parametrize("wrong", ["soon", float("nan"), 1e30, [5]])
@pytest.mark.parametrize("connect", [manager.connect, drop_in.connect, drop_in.connect_ssh])
def test_a_timeout_of_rpcs_that_is_none_is_told_at_connect(installed, connect, wrong):
    said = r"manager_params\['timeout'\]: must be a number of seconds, or None"
    with EmbeddedServer() as alone:
        with pytest.raises(ncwire.OptionError, match=said) as raised:
            connect(**arguments_for(alone, manager_params={"timeout": wrong}))
        assert isinstance(raised.value, transport.SSHError)
        eventually(lambda: not alone.sessions)


def test_rpcs_may_wait_without_limit(installed, server):
    with manager.connect(**arguments_for(server, manager_params={"timeout": None})) as found:
        assert found.timeout is None
        assert found.get_config("running").ok


def test_a_manager_of_a_session_that_is_not_carried_is_as_before(installed, server):
    session = session_of(ReplacesIO)
    session.connect(**arguments_for(server))
    assert manager.Manager(session, None, "20").timeout == "20"
    session.close()
