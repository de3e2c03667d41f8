"""Which messages a listener hears of."""

from __future__ import annotations

import pytest

from ncwire import SessionListener
from ncwire._protocol.framing import Document
from ncwire._session.listeners import Listeners
from ncwire._session.notifications import NotificationReader

REPLY = ("{urn:ietf:params:xml:ns:netconf:base:1.0}rpc-reply", {"message-id": "1"})
NOTIFICATION = ("{urn:ietf:params:xml:ns:netconf:notification:1.0}notification", {})


class Noting(SessionListener):
    def __init__(self):
        self.heard = []

    def callback(self, root, raw):
        self.heard.append(raw)

    def errback(self, ex):
        pass


class OfNotifications(Noting):
    roots = frozenset({NOTIFICATION[0]})


class Large(Document):
    """One that must not be decoded."""

    def text(self):
        pytest.fail("it was decoded")


def test_a_listener_hears_of_the_roots_that_it_names_or_of_all():
    listeners, some, every = Listeners(), OfNotifications(), Noting()
    listeners.add(some)
    listeners.add(every)
    listeners.deliver(REPLY, "<rpc-reply/>")
    listeners.deliver(NOTIFICATION, "<notification/>")
    assert some.heard == ["<notification/>"]
    assert every.heard == ["<rpc-reply/>", "<notification/>"]


def test_what_no_listener_hears_of_is_not_decoded(caplog):
    listeners, some = Listeners(), OfNotifications()
    listeners.add(some)
    listeners.deliver(REPLY, Large())
    assert (some.heard, caplog.text) == ([], "")


def test_a_reader_of_notifications_has_no_reply_decoded(caplog):
    listeners = Listeners()
    reader = NotificationReader(10, listeners.remove)
    listeners.add(reader)
    listeners.deliver_at_once(REPLY, Large())
    listeners.deliver_at_once(NOTIFICATION, "<notification/>")
    assert reader.get(0).raw == "<notification/>"
    assert caplog.text == ""
