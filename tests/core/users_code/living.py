"""Whether a session lives: its rpcs are answered."""

from __future__ import annotations

from callers import asked


def lives(peer, session):
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get/>", timeout=20).raw
    assert session.connected
