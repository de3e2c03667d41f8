"""What the NETCONF server behind the SSH server can be asked to do, and how to see that it did."""

from __future__ import annotations

import hashlib
import os
import select
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire import SSHSession
    from ncwire._session.reply import Reply

LONG = 240.0
"""Seconds; no wait here takes as long."""

_RPC = '<rpc message-id="{}" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{}</rpc>'
_SUBSCRIBE = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'


class NetconfSide(ABC):
    """One kind of NETCONF server. Its methods assert what they see."""

    @abstractmethod
    def download(self, session: SSHSession, size: int) -> None:
        """Have replies of this size in all, and see that they are whole."""

    @abstractmethod
    def upload(self, session: SSHSession, size: int) -> None:
        """Send requests of this size in all, and see that they arrived whole."""

    @abstractmethod
    def notify(self, session: SSHSession, other: Callable[[], SSHSession]) -> None:
        """Subscribe, and see notifications; `other` opens one more session."""

    @abstractmethod
    def ended(self, session: SSHSession) -> bool:
        """Whether the server has done with the session, for which some time is given."""


class SmallServer(NetconfSide):
    """tests/servers/netconf_subsystem.py, a process for each session."""

    # What get-bytes repeats; written down here again, so that both must agree.
    _PATTERN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"

    def download(self, session, size):
        raw = session.rpc(f'<get-bytes n="{size}"/>', LONG).raw
        text = raw[raw.index("<data>") + 6 : raw.index("</data>")]
        # Not as an assertion on the texts, which would print both.
        assert len(text) == size
        assert hashlib.sha256(text.encode()).digest() == self._digest(size)

    def upload(self, session, size):
        operation = f"<digest>{self._PATTERN * (size // len(self._PATTERN))}</digest>"
        reply = session.rpc(operation, LONG)
        sent = _RPC.format(reply.message_id, operation).encode()
        assert f'n="{len(sent)}"' in reply.raw
        assert hashlib.sha256(sent).hexdigest() in reply.raw

    def notify(self, session, other):
        with session.notifications() as reader:
            assert "<ok/>" in session.rpc(_SUBSCRIBE).raw
            assert "<ok/>" in session.rpc('<notify n="50"/>').raw
            for number in range(50):
                assert f"<event>{number}</event>" in reader.get(LONG).raw

    def ended(self, session):
        try:
            process = os.pidfd_open(int(session.id))
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([process], [], [], LONG)[0])
        finally:
            os.close(process)

    def _digest(self, size: int) -> bytes:
        expected = (self._PATTERN * (size // len(self._PATTERN) + 1))[:size]
        return hashlib.sha256(expected.encode()).digest()


class Yuma(NetconfSide):
    """yuma123's netconfd, one process for all sessions."""

    _SCHEMA = (
        '<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">'
        "<identifier>ietf-interfaces</identifier></get-schema>"
    )
    _PIECE = 1024 * 1024

    def download(self, session, size):
        first = session.rpc(self._SCHEMA, LONG)
        assert "module ietf-interfaces" in first.raw
        # One by one: of hundreds at once netconfd 2.13 leaves most without an answer, ssh's too.
        for _ in range(size // len(first.raw)):
            assert _body(session.rpc(self._SCHEMA, LONG)) == _body(first)

    def upload(self, session, size):
        # It has no use for a large text. Blanks between elements must all be there, too, before
        # it can answer.
        operation = f"<get-config><source><running/></source>{' ' * self._PIECE}</get-config>"
        for _ in range(size // self._PIECE):
            assert "<rpc-error" not in session.rpc(operation, LONG).raw

    def notify(self, session, other):
        with session.notifications() as reader:
            assert "<rpc-error" not in session.rpc(_SUBSCRIBE).raw
            started = [other().id for _ in range(2)]
            for identity in started:
                raw = reader.get(LONG).raw.replace("ncn:", "")
                assert "netconf-session-start" in raw
                assert f"<session-id>{identity}</session-id>" in raw

    def ended(self, session):
        return True  # it has no process for a session


def _body(reply: Reply) -> str:
    return reply.raw.replace(f'"{reply.message_id}"', "")
