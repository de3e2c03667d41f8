"""`session.transport`, as programs use it, on every driver, also after the end."""

from __future__ import annotations

import pickle

import pytest
from drop_in_arguments import arguments_for
from ncclient.transport import errors as theirs

from ncwire.contrib import ncclient as drop_in
from ncwire.errors import AuthenticationError, NcwireError, OptionError


def test_while_it_is_open(installed, connect, server):
    transport = connect()._session.transport

    assert transport.is_active()
    assert transport.active
    assert transport.is_authenticated()
    assert transport.authenticated
    assert transport.sock.getpeername() == (server.host, server.port)
    assert transport.getpeername() == (server.host, server.port)


def test_after_the_end(installed, connect, server):
    session = connect()._session
    transport = session.transport
    session.close()

    assert session.transport is transport
    assert not transport.is_active()
    assert not transport.authenticated
    assert transport.sock.getpeername() == (server.host, server.port)
    transport.set_keepalive(10)
    transport.close()


def test_a_keepalive_that_is_set_later(installed, connect):
    transport = connect()._session.transport
    transport.set_keepalive(30)
    transport.set_keepalive(0)
    with pytest.raises(OptionError, match="keepalive"):
        transport.set_keepalive(-1)
    assert transport.is_active()


def test_closing_it_ends_the_session(installed, connect):
    found = connect()
    found._session.transport.close()

    assert not found.connected
    with pytest.raises(theirs.TransportError, match=r"^Not connected to NETCONF server"):
        found.get_config("running")


def test_paramikos_own_is_there_on_paramiko(server):
    with drop_in.connect(driver="paramiko", **arguments_for(server)) as found:
        transport = found._session.transport
        assert transport.get_username() == server.username
        with pytest.raises(AttributeError, match="no_such_thing"):
            transport.no_such_thing  # noqa: B018 - it is the look-up that is meant
    with pytest.raises(AttributeError, match="as long as the session is open"):
        transport.get_username()


def test_its_channel(installed, connect):
    found = connect()
    channel = found._session._channel
    assert channel.get_transport() is found._session.transport
    assert channel.get_name() == found.channel_name
    assert channel.get_id() == found.channel_id
    assert not channel.closed


def test_an_error_can_be_pickled_and_is_still_both_libraries(server):
    with pytest.raises(AuthenticationError) as raised:
        drop_in.connect(driver="paramiko", **arguments_for(server, password="wrong"))
    again = pickle.loads(pickle.dumps(raised.value))

    assert type(again) is type(raised.value)
    assert isinstance(again, theirs.AuthenticationError)
    assert isinstance(again, NcwireError)
    assert str(again) == str(raised.value)
    assert again.attempts == raised.value.attempts
    assert "wrong" not in str(again)


def test_a_name_that_does_not_resolve_can_be_pickled(server):
    with pytest.raises(NcwireError) as raised:
        drop_in.connect(driver="paramiko", **arguments_for(server, host="no-such-host.invalid"))
    again = pickle.loads(pickle.dumps(raised.value))

    assert type(again) is type(raised.value)
    assert str(again) == str(raised.value)
    assert again.errno == raised.value.errno
