"""Requests: rpcs whose replies functions are called with."""

from __future__ import annotations

import re
import threading
from collections import Counter

import pytest
from callers import asked

from ncwire import Session
from ncwire.errors import (
    NcwireError,
    OptionError,
    SessionCloseError,
    SessionError,
    TransportError,
    UnsendableMessageError,
)

PATIENCE = 20


class Told:
    """The two functions, and what they are called with, on which thread."""

    def __init__(self, then=lambda: None):
        self.replies = []
        self.errors = []
        self.threads = []
        self.done = threading.Event()
        self._then = then

    def on_reply(self, reply):
        self._take(self.replies, reply)

    def on_error(self, error):
        self._take(self.errors, error)

    def _take(self, taken, what):
        taken.append(what)
        self.threads.append(threading.get_ident())
        try:
            self._then()
        finally:
            self.done.set()

    def wait(self):
        assert self.done.wait(PATIENCE)
        return self


def request(session, operation="<get/>", then=lambda: None) -> Told:
    told = Told(then)
    session.request(operation, told.on_reply, told.on_error)
    return told


def assert_lives(peer, session):
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get/>").raw


@pytest.mark.parametrize("operation", ["<é/>", "<é/>".encode()])
def test_the_reply_is_told_on_the_thread_that_serves_the_session(peer, session, operation):
    told = request(session, operation)
    message = peer.receive()
    assert "<é/>" in message
    peer.reply(re.search(r'message-id="([^"]*)"', message)[1], "<data>é</data>")
    (reply,) = told.wait().replies
    assert "<data>é</data>" in reply.raw
    assert told.threads == [session.ident]
    assert not told.errors


def test_replies_find_their_functions_in_any_order(peer, session):
    told = [request(session) for _ in range(3)]
    ids = [asked(peer) for _ in told]
    for n in (2, 0, 1):
        peer.reply(ids[n], f"<n>{n}</n>")
    for n, each in enumerate(told):
        assert f"<n>{n}</n>" in each.wait().replies[0].raw


def test_a_reply_may_be_followed_by_the_next_request(peer, session):
    following = []
    request(session, "<a/>", lambda: following.append(request(session, "<b/>")))
    for _ in range(2):
        peer.reply(asked(peer))
    assert_lives(peer, session)
    (second,) = following
    assert len(second.wait().replies) == 1


def test_a_reply_must_not_be_followed_by_a_wait(peer, session):
    raised = []

    def wait():
        with pytest.raises(SessionError) as caught:
            session.rpc("<get/>")
        raised.append(caught.value)

    told = request(session, then=wait)
    peer.reply(asked(peer))
    told.wait()
    assert raised


@pytest.mark.parametrize("how", ["peer", "us"])
def test_the_sessions_end_is_told_with_its_cause_once(peer, session, how):
    told = [request(session) for _ in range(3)]
    if how == "us":
        session.close()
    else:
        peer.hang_up()
    for each in told:
        assert each.wait().errors == [session.cause]
        assert each.errors[0].closed_by == how
        assert not each.replies


def test_what_on_reply_raises_is_logged_and_harms_nothing(peer, session, caplog):
    told = request(session, then=lambda: 1 / 0)
    peer.reply(asked(peer))
    told.wait()
    assert_lives(peer, session)
    session.close()  # which waits for its thread
    assert f"on_reply failed on the reply to rpc {told.replies[0].message_id!r}" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_what_on_error_raises_is_logged_and_the_others_are_told(session, caplog):
    request(session, then=lambda: 1 / 0)
    other = request(session)
    session.close()
    assert other.wait().errors
    assert "on_error failed on a SessionCloseError" in caplog.text


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("text", OptionError),
        ("<rpc><get/></rpc>", OptionError),
        ("<get><!--]]>]]>--></get>", UnsendableMessageError),
        (iter([b"<get/>"]), TypeError),
        (None, OptionError),
    ],
)
def test_what_cannot_be_sent_is_raised_and_neither_is_called(peer, session, operation, error):
    told = Told()
    with pytest.raises(error):
        session.request(operation, told.on_reply, told.on_error)
    assert_lives(peer, session)
    session.close()
    assert not told.done.is_set()


def test_before_and_after_the_session_it_raises_and_neither_is_called(session):
    told = Told()
    with pytest.raises(TransportError, match="not connected"):
        Session([]).request("<get/>", told.on_reply, told.on_error)
    session.close()
    with pytest.raises(SessionCloseError):
        session.request("<get/>", told.on_reply, told.on_error)
    assert not told.done.is_set()


@pytest.mark.parametrize("_turn", range(5))
@pytest.mark.usefixtures("many_switches")
def test_a_session_that_ends_meanwhile_either_raises_or_tells(peer, session, _turn):
    told, raised = [], []
    under_way = threading.Event()

    def request_until_it_fails():
        while not raised:
            each = Told()
            try:
                session.request("<get/>", each.on_reply, each.on_error)
            except NcwireError as error:
                raised.append((error, each))
            else:
                told.append(each)
            under_way.set()

    threads = [threading.Thread(target=request_until_it_fails) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert under_way.wait(PATIENCE)
    peer.hang_up()
    for thread in threads:
        thread.join(PATIENCE)
    assert Counter(len(each.wait().errors) for each in told) == {1: len(told)}
    assert {error for error, _ in raised} == {session.cause}
    assert not any(each.done.is_set() for _, each in raised)
