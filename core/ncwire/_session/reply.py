"""`Reply`: the reply to an rpc, as its caller gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._protocol.framing import text_of

if TYPE_CHECKING:
    from ncwire._protocol.framing import Document
    from ncwire._session.listeners import Root


class Reply:
    """The reply to an rpc: `raw` is the document, `root` its root's name and attributes.

    An `<rpc-error>` in it is left for the caller to read.
    """

    __slots__ = ("_content", "message_id", "root")

    def __init__(self, content: str | Document, root: Root, message_id: str | None) -> None:
        self._content = content
        self.root = root
        self.message_id = message_id

    @property
    def raw(self) -> str:
        """The whole document. A large one is decoded when it is first asked for."""
        return text_of(self._content)

    def __repr__(self) -> str:
        return f"Reply(message_id={self.message_id!r})"  # the document may hold secrets

    def __reduce__(self) -> tuple[type[Reply], tuple[str, Root, str | None]]:
        # A document is joined and decoded where it is, and not once more in each copy.
        return type(self), (self.raw, self.root, self.message_id)
