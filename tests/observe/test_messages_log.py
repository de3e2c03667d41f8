"""The logger `ncwire.messages` shows what is said, in one line each, cut, and with no secret."""

from __future__ import annotations

import logging

import pytest
from marked import PASSWORD

GET = "<get-config><source><running/></source></get-config>"


@pytest.fixture
def messages(caplog):
    caplog.set_level(logging.DEBUG, "ncwire.messages")
    return lambda: [
        record.getMessage() for record in caplog.records if record.name == "ncwire.messages"
    ]


def test_each_message_is_a_line_with_its_secrets_hidden(connect, messages):
    with connect() as session:
        session.rpc(GET)
    lines = messages()
    assert len(lines) == 6
    assert all("\n" not in line for line in lines)
    assert lines[0].startswith("unix -> ")
    assert "<hello" in lines[1]
    assert "<password>***</password>" in lines[3]
    assert PASSWORD not in "".join(lines)


def test_a_long_one_is_cut(connect, messages):
    with connect() as session:
        session.rpc(f"<x><!-- {'y' * 10_000} --></x>")
    assert messages()[2].endswith("yyy...")
    assert len(messages()[2]) < 2200


def test_a_secret_is_hidden_where_it_is_cut(peer, messages):
    session = peer.opened()
    session.send(f"<rpc><pad>{'x' * 1960}</pad><password>{PASSWORD}</password></rpc>")
    assert PASSWORD[:4] not in "".join(messages())


def test_what_is_not_well_formed_is_not_shown(peer, messages):
    session = peer.opened()
    peer.script(peer.reply, f"<password>{PASSWORD}</pass>".encode())
    session.rpc("<get/>")
    assert "not well-formed: not shown" in messages()[-1]
    assert PASSWORD not in "".join(messages())


def test_what_goes_in_pieces_is_not_shown(connect, messages):
    with connect() as session:
        session.rpc(GET, sink=lambda _: None)
        assert messages()[-1].endswith("<rpc-reply>, in pieces, which are not shown")


def test_a_session_that_connected_before_is_not_shown(connect, messages, caplog):
    caplog.set_level(logging.INFO, "ncwire.messages")
    with connect() as session:
        caplog.set_level(logging.DEBUG, "ncwire.messages")
        session.rpc(GET)
        assert messages() == []


def test_a_record_says_of_which_session_it_is(connect, messages, caplog):
    with connect() as session:
        session.rpc(GET)
    told = {record.ncwire_session for record in caplog.records if record.name == "ncwire.messages"}
    assert [(facts.driver, facts.session_id) for facts in told] == [("unix", session.id)]
