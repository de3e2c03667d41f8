"""The listener's callbacks: what they get, how long they may take, and what they raise."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import threading

import pytest
from calling_home import OTHER_KEY, PATIENCE, Gate, device, ended
from scripted_driver import HOST_KEY

from ncwire.errors import (
    OptionError,
)

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]


def test_a_callback_gets_the_sessions_and_accept_none(opened, dial):
    sessions = queue.Queue()
    listener = opened(
        on_session=lambda session: sessions.put((session, threading.current_thread()))
    )
    with pytest.raises(OptionError, match="on_session"):
        listener.accept()
    dial(listener)
    session, thread = sessions.get(timeout=PATIENCE)
    assert (session.device, session.connected) == ("r1", True)
    assert thread.name.startswith("ncwire-call-127.0.0.1:")
    session.close()


def test_a_callback_at_work_holds_up_neither_calls_nor_close(opened, dial):
    gate, sessions = Gate(), queue.Queue()

    def at_work(session):
        sessions.put(session)
        gate()

    listener = opened(on_session=at_work, concurrency=1)
    for _ in range(3):
        dial(listener)
    gate.wait_for(3)
    listener.close()
    gate.opened.set()
    for _ in range(3):
        session = sessions.get()
        assert session.connected
        session.close()


def test_what_a_callback_raises_is_logged_and_ends_its_session_only(opened, dial, caplog):
    sessions = queue.Queue()

    def fail(session):
        sessions.put(session)
        raise ZeroDivisionError("the user's own")

    listener = opened(on_session=fail)
    first = dial(listener)
    assert sessions.get(timeout=PATIENCE)
    while first.recv(1 << 16):  # our hello, then the end
        pass
    assert "ZeroDivisionError: the user's own" in caplog.text
    dial(listener)
    assert sessions.get(timeout=PATIENCE)


def test_what_on_refused_raises_is_logged(opened, dial, caplog):
    refused = queue.Queue()

    def fail(refusal):
        refused.put(refusal)
        raise ZeroDivisionError("the user's own")

    listener = opened(devices=[device("r2", OTHER_KEY)], on_refused=fail)
    for _ in range(2):
        assert ended(dial(listener))
        assert refused.get(timeout=PATIENCE)
    listener.close()
    assert "ZeroDivisionError: the user's own" in caplog.text


def test_a_refusal_is_logged_when_there_is_no_callback_to_tell(opened, dial):
    records = queue.Queue()
    handler = logging.handlers.QueueHandler(records)
    handler.setLevel(logging.WARNING)
    logging.getLogger("ncwire.callhome").addHandler(handler)
    listener = opened(devices=[device("r2", OTHER_KEY)], on_refused=None)
    host, port = dial(listener).getsockname()
    assert records.get(timeout=PATIENCE).getMessage() == (
        f"call from {host}:{port} refused: no device has the host key ssh-ed25519 "
        f"{HOST_KEY.sha256}"
    )
    logging.getLogger("ncwire.callhome").removeHandler(handler)
