"""`Observer`: who is told what a session does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire.observe.events import (
        ConnectEnd,
        ConnectStep,
        KeepaliveSent,
        Message,
        RPCBegun,
        RPCEnd,
        SessionEnd,
        SessionFacts,
    )


class Observer:
    """Base class of those who want to be told; every method does nothing, and may be left alone.

    A method is called on the thread on which it happens: a caller's, or the one that serves the
    session; for several sessions at one time, so what it changes it must guard. Of one session,
    `message_received` and `rpc_ended` come in the order of the wire. They are called while the
    connection is held, so that they must return soon: they neither wait, nor call the session.
    What a method raises is logged, by the logger `ncwire.observe`, and goes no further.

    New methods may be added in later versions, so a subclass begins the names of its own with
    an underscore.
    """

    def connect_begun(self, session: SessionFacts) -> None:
        """Hear that a session begins to connect."""

    def connect_step(self, step: ConnectStep) -> None:
        """Hear of a step of connecting that is done, well or badly."""

    def connect_ended(self, end: ConnectEnd) -> None:
        """Hear that a session is open, or could not be opened."""

    def message_sent(self, message: Message) -> None:
        """Hear of a message that is handed to the connection: before any reply to it.

        Where that fails, and nothing is sent, `rpc_ended` tells so of an rpc.
        """

    def message_received(self, message: Message) -> None:
        """Hear of a message that has come, before its caller and listeners have it."""

    def rpc_begun(self, rpc: RPCBegun) -> None:
        """Hear of an rpc that is about to be sent, before its `message_sent`."""

    def rpc_ended(self, rpc: RPCEnd) -> None:
        """Hear that an rpc was answered, or will not be, before its caller knows."""

    def keepalive_sent(self, keepalive: KeepaliveSent) -> None:
        """Hear that the peer was silent, and is asked for a sign of life."""

    def ended(self, end: SessionEnd) -> None:
        """Hear that the session has ended; nothing more comes of it.

        Of one whose connecting failed `connect_ended` may come before this or after it.
        """
