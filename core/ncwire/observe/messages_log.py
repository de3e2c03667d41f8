"""The logger `ncwire.messages`: what is said, with secrets hidden, at level DEBUG."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from ncwire.errors.printable import one_line
from ncwire.observe.masks import Masks
from ncwire.observe.observer import Observer

if TYPE_CHECKING:
    from ncwire.observe.events import Message

_LENGTH: Final = 2000
"""How many characters of a message are shown."""

_log = logging.getLogger("ncwire.messages")


class _Messages(Observer):
    """Writes to the log; nothing is made where the level has been raised meanwhile."""

    def __init__(self) -> None:
        self._masks = Masks()

    def message_sent(self, message: Message) -> None:
        """See `Observer.message_sent`."""
        self._show(message, "->")

    def message_received(self, message: Message) -> None:
        """See `Observer.message_received`."""
        self._show(message, "<-")

    def _show(self, message: Message, arrow: str) -> None:
        if not _log.isEnabledFor(logging.DEBUG):
            return
        session = message.session
        ident = "" if session.session_id is None else f" session-id {session.session_id}"
        head = f"{session.peer}{ident} {arrow} {message.size} bytes"
        # By `ncwire_session` a filter picks the messages of one device.
        _log.debug("%s: %s", head, self._shown(message), extra={"ncwire_session": session})

    def _shown(self, message: Message) -> str:
        body = message.body
        if body is None:
            return f"<{message.kind}>, in pieces, which are not shown"
        text = self._masks.document(body, _LENGTH + 1)
        if text is None:
            return (
                f"<{message.kind}>, not well-formed: not shown, for secrets cannot be found in it"
            )
        # A device must not write lines of its own into a log.
        line = one_line(text[:_LENGTH])
        return f"{line}..." if len(text) > _LENGTH else line


MESSAGES: Final = _Messages()
