"""What parsing a reply takes by itself: peers that give an element tree do that besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from ncwire.bench import subsystem
from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case


class LxmlAlone(Contestant):
    def open(self, _framing: str) -> None:
        """Do nothing: there is no session."""

    def prepare(self, case: Case) -> Callable[[], object]:
        framed = subsystem.reply(b"1", case.size, 0, chunked=False)
        document = framed.removesuffix(subsystem.END_OF_MESSAGE)
        return lambda: etree.fromstring(document)

    def document(self, reply: Any) -> bytes:
        return bytes(etree.tostring(reply))
