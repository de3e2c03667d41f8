"""Listeners, notifications and replies: what ncclient's own do, over ncwire's sessions."""

from __future__ import annotations

import queue
import threading

import pytest
from drop_in_arguments import arguments_for
from ncclient import manager
from ncclient.devices.default import DefaultDeviceHandler
from ncclient.operations import OperationError, RPCError
from ncclient.operations.errors import TimeoutExpiredError
from ncclient.transport import SessionListener, SSHSession
from ncclient.transport import errors as theirs
from scripted_answers import NS, Scripted, reply

from ncwire.errors import MessageDecodeError, NcwireError
from ncwire.testing import EmbeddedServer
from waiting import eventually

NOTIFICATION = (
    '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
    "<eventTime>2026-01-01T00:00:00Z</eventTime><happened/></notification>"
)


@pytest.fixture
def at(installed):
    """Connect to a peer that answers so."""
    servers, managers = [], []

    def at(answer, **others):
        servers.append(EmbeddedServer(script=Scripted(answer)))
        managers.append(manager.connect(**arguments_for(servers[-1], **others)))
        return managers[-1]

    yield at
    for each in managers:
        each._session.close()
    for each in servers:
        each.close()


@pytest.fixture
def mortal():
    """A server that a test may end."""
    with EmbeddedServer() as server:
        yield server


class Hears(SessionListener):
    def __init__(self):
        self.messages = queue.Queue()
        self.errors = queue.Queue()

    def callback(self, root, raw):
        self.messages.put((root, raw))

    def errback(self, ex):
        self.errors.put(ex)


class OnlyCallback(SessionListener):
    def __init__(self):
        self.messages = queue.Queue()

    def callback(self, root, raw):
        self.messages.put(raw)


class Raises(SessionListener):
    def callback(self, root, raw):
        raise RuntimeError("a listener's own")

    errback = callback


def test_a_listener_hears_of_messages_and_of_the_end(installed, connect, mortal):
    found, hears = connect(mortal), Hears()
    found._session.add_listener(hears)
    found.get_config("running")
    (tag, attributes), raw = hears.messages.get(timeout=20)
    assert tag == f"{{{NS}}}rpc-reply"
    assert attributes["message-id"] in raw
    mortal.close()

    error = hears.errors.get(timeout=20)
    assert isinstance(error, theirs.SessionCloseError)
    assert isinstance(error, NcwireError)
    assert str(error).startswith("Unexpected session close")
    assert not found.connected


@pytest.mark.parametrize("end", ["close", "close_session"])
def test_a_listener_hears_nothing_of_an_end_of_ours(installed, connect, end):
    found, hears = connect(), Hears()
    found._session.add_listener(hears)
    if end == "close":
        found._session.close()
    else:
        found.close_session()

    assert not found.connected
    assert hears.errors.empty()


def test_a_listener_hears_of_the_end_after_a_close_session_that_was_only_named(
    installed, connect, mortal
):
    found, hears = connect(mortal), Hears()
    found._session.add_listener(hears)
    rule = "<nacm><rule-list><rule><rpc-name>close-session</rpc-name></rule></rule-list></nacm>"
    assert found.get(filter=("subtree", rule)).ok
    mortal.close()

    assert isinstance(hears.errors.get(timeout=20), theirs.SessionCloseError)


REFUSED = (
    "<rpc-error><error-type>protocol</error-type><error-tag>access-denied</error-tag>"
    "<error-severity>error</error-severity></rpc-error>"
)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_listener_hears_of_the_end_after_a_close_session_that_was_refused(installed, goes_on):
    answers = iter([REFUSED, "<data/>"])
    script, hears = Scripted(lambda number: [reply(number, next(answers))]), Hears()
    with EmbeddedServer(script=script) as server:
        found = manager.connect(**arguments_for(server))
        found._session.add_listener(hears)
        with pytest.raises(RPCError):
            found.dispatch("close-session")
        assert found.connected
        if goes_on:
            assert found.get().ok
    assert isinstance(hears.errors.get(timeout=20), theirs.SessionCloseError)


class EndsMeanwhile(DefaultDeviceHandler):
    """Asked for a parser, which is after the hellos, it waits for the session's end."""

    end = None

    def get_xml_parser(self, session):
        self.end()
        eventually(lambda: not session.is_alive())
        return super().get_xml_parser(session)


def test_a_listener_hears_of_an_end_while_connect_is_about_to_return(installed, mortal):
    handler, hears = EndsMeanwhile({}), Hears()
    handler.end = mortal.close
    session = SSHSession(handler)
    session.add_listener(hears)
    session.connect(**arguments_for(mortal))

    assert isinstance(hears.errors.get(timeout=20), theirs.SessionCloseError)
    assert not session.connected
    assert session.take_notification(timeout=20) is None
    assert hears.errors.empty()


def test_a_listener_hears_nothing_of_an_end_that_connect_raises(installed):
    hears = Hears()
    with EmbeddedServer(script=lambda stream: stream.close()) as server:
        session = SSHSession(DefaultDeviceHandler({}))
        session.add_listener(hears)
        with pytest.raises(theirs.SessionCloseError):
            session.connect(**arguments_for(server))
    assert hears.errors.empty()


def test_one_with_only_a_callback(installed, connect, mortal):
    found, hears, other = connect(mortal), OnlyCallback(), Hears()
    found._session.add_listener(hears)
    found._session.add_listener(other)
    found.get_config("running")
    assert hears.messages.get(timeout=20)
    mortal.close()
    assert other.errors.get(timeout=20)


def test_what_is_no_listener_is_refused_as_ncclient_does(installed, connect):
    with pytest.raises(theirs.SessionError):
        connect()._session.add_listener(object())


def test_one_that_raises_hurts_no_other(installed, connect):
    found = connect()
    found._session.add_listener(Raises())
    assert found.get_config("running").ok
    assert found.get_config("running").ok


@pytest.mark.parametrize("vendor", ["default", "iosxr", "h3c", "sros", "huawei", "junos"])
def test_a_notification_ends_no_session_with_any_handler(at, vendor):
    found = at(
        lambda message_id: [NOTIFICATION, reply(message_id)], device_params={"name": vendor}
    )
    found.get_config("running")
    taken = found.take_notification(timeout=20)
    assert taken.notification_xml == NOTIFICATION
    found.get_config("running")
    assert found.connected


def test_a_reply_without_a_message_id_fails_the_rpcs_and_not_the_session(at):
    answers = iter([[f'<rpc-reply xmlns="{NS}"><data/></rpc-reply>'], None])
    found = at(lambda message_id: next(answers) or [reply(message_id)])
    with pytest.raises(OperationError, match="message-id"):
        found.get_config("running")
    assert found.get_config("running").ok


def test_a_reply_that_no_rpc_waits_for_hurts_none(at):
    found = at(lambda message_id: [reply("of another"), reply(message_id)])
    assert found.get_config("running").ok


def test_a_reply_that_does_not_come(at):
    found = at(lambda message_id: [])
    found.timeout = 0.2
    with pytest.raises(TimeoutExpiredError):
        found.get_config("running")
    assert found.connected


def test_a_reply_that_is_not_utf_8_fails_its_rpc_alone(at):
    answers = iter(["<data>\xe9</data>", "<data/>"])
    found = at(lambda message_id: [reply(message_id, next(answers))])
    with pytest.raises(theirs.SessionError) as raised:
        found.get_config("running")
    assert isinstance(raised.value, MessageDecodeError)
    assert found.get_config("running").ok


@pytest.mark.parametrize("end", ["ours", "theirs"])
def test_who_waits_is_woken_by_the_end(installed, connect, mortal, end):
    found = connect(mortal)
    outcomes = queue.Queue()

    def wait() -> None:
        try:
            outcomes.put(found.take_notification())
        except Exception as error:  # noqa: BLE001 - what is asked for
            outcomes.put(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    if end == "ours":
        found._session.close()
    else:
        mortal.close()
    assert isinstance(outcomes.get(timeout=20), theirs.SessionCloseError)
    waiting.join()
    assert found.take_notification(timeout=20) is None
    assert found.take_notification(block=False) is None


def test_an_rpc_that_waits_is_woken_by_our_own_close(at):
    asked = threading.Event()

    def never(message_id):
        asked.set()
        return []

    found = at(never)
    found.async_mode = True
    sent = found.get_config("running")
    assert asked.wait(20)
    found._session.close()
    assert sent.event.wait(20)
    assert isinstance(sent.error, theirs.SessionCloseError)
