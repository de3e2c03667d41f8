"""Rpcs: correlation, several in flight, timeouts, and their end with the session's."""

from __future__ import annotations

import threading

import pytest
from callers import asked

from ncwire import SessionListener
from ncwire.errors import (
    OptionError,
    RPCTimeoutError,
    SessionCloseError,
    SessionError,
    UnsendableMessageError,
)


def test_reply_is_whole_and_correlated(peer, session):
    peer.script(lambda: peer.reply(asked(peer), "<data>é</data>"))
    reply = session.rpc("<get/>")
    assert "<data>é</data>" in reply.raw
    assert reply.root[0].endswith("}rpc-reply")
    assert reply.message_id == reply.root[1]["message-id"]
    assert "é" not in repr(reply)


def test_several_in_flight_answered_in_any_order(peer, session):
    futures = [session.submit(f"<get-{n}/>") for n in range(5)]
    ids = [asked(peer) for _ in futures]
    for n in (3, 0, 4, 2, 1):
        peer.reply(ids[n], f"<n>{n}</n>")
    for n, future in enumerate(futures):
        assert f"<n>{n}</n>" in future.result(10).raw


def test_rpc_error_is_left_to_the_caller(peer, session):
    peer.script(lambda: peer.reply(asked(peer), "<rpc-error/>"))
    assert "<rpc-error/>" in session.rpc("<get/>").raw


def test_timeout_names_the_rpc_and_the_session_lives(peer, session):
    with pytest.raises(RPCTimeoutError, match=r"rpc [a-z]{5}1: no reply within 0\.02 s"):
        session.rpc("<get/>", timeout=0.02)
    late = asked(peer)
    peer.script(lambda: (peer.reply(late, "<late/>"), peer.reply(asked(peer), "<second/>")))
    assert "<second/>" in session.rpc("<get/>").raw
    assert session.unmatched_replies == 1


@pytest.mark.parametrize(("count", "told"), [(1, "1 reply came"), (3, "3 replies came")])
@pytest.mark.parametrize("ask", ["rpc", "stream"])
def test_timeout_says_how_many_replies_came_that_no_call_waited_for(
    peer, session, count, told, ask
):
    def play() -> None:
        asked(peer)
        for number in range(count):
            peer.reply(f"other-{number}")

    peer.script(play)
    with pytest.raises(RPCTimeoutError, match=f"; {told} that no call waited for$"):
        getattr(session, ask)("<get/>", timeout=2)
    with pytest.raises(RPCTimeoutError, match=r"within 0\.02 s$"):  # those were not its own
        session.rpc("<get/>", timeout=0.02)


def test_reply_without_message_id_is_the_oldest_rpcs(peer, session):
    first, second = session.submit("<a/>"), session.submit("<b/>")
    asked(peer)
    asked(peer)
    peer.reply(None, "<one/>")
    peer.reply(None, "<two/>")
    assert "<one/>" in first.result(10).raw
    assert "<two/>" in second.result(10).raw


def test_reply_without_message_id_after_a_timeout_is_not_the_next_ones(peer, session):
    with pytest.raises(RPCTimeoutError):
        session.rpc("<a/>", timeout=0.02)
    asked(peer)
    future = session.submit("<b/>")
    asked(peer)
    peer.reply(None, "<late/>")
    peer.reply(None, "<two/>")
    assert "<two/>" in future.result(10).raw


def test_reply_that_no_caller_waits_for_is_dropped(peer, session):
    heard = threading.Semaphore(0)

    class Listener(SessionListener):
        def callback(self, root, raw):
            heard.release()

        def errback(self, ex):
            pass

    session.add_listener(Listener())
    peer.reply("no such id")
    peer.reply(None)
    for _ in range(2):
        assert heard.acquire(timeout=20)
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get/>").raw


def test_cancelled_future_takes_no_reply(peer, session):
    future = session.submit("<a/>")
    assert future.cancel()
    peer.reply(asked(peer))
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get/>").raw


@pytest.mark.parametrize("how", ["peer", "us"])
def test_end_of_the_session_wakes_all_that_wait_with_its_cause(peer, session, how):
    futures = [session.submit("<get/>") for _ in range(3)]
    if how == "us":
        session.close()
    else:
        peer.hang_up()
    for future in futures:
        with pytest.raises(SessionCloseError) as caught:
            future.result(10)
        assert caught.value is session.cause
        assert caught.value.closed_by == how
    with pytest.raises(SessionCloseError):
        session.rpc("<get/>")


def test_rpc_on_the_sessions_own_thread_is_refused(peer, session):
    errors, done = [], threading.Event()

    class Asking(SessionListener):
        def callback(self, root, raw):
            with pytest.raises(SessionError, match="use") as caught:
                session.rpc("<get/>")
            errors.append(caught.value)
            done.set()

        def errback(self, ex):
            pass

    session.add_listener(Asking())
    peer.send("<event/>")
    assert done.wait(10)
    assert errors


@pytest.mark.parametrize("operation", ["", "text", "<!DOCTYPE a><a/>", "<rpc><get/></rpc>"])
def test_bad_operation_sends_nothing_and_leaves_nothing_pending(peer, session, operation):
    with pytest.raises(OptionError):
        session.rpc(operation)
    peer.script(lambda: (asked(peer), peer.reply(None)))
    assert "<ok/>" in session.rpc("<get/>").raw


def test_rpc_that_cannot_be_sent_leaves_nothing_pending(peer, session):
    with pytest.raises(UnsendableMessageError):
        session.rpc("<get><!--]]>]]>--></get>")
    peer.script(lambda: (asked(peer), peer.reply(None)))
    assert "<ok/>" in session.rpc("<get/>").raw
