"""`Reply`: the reply to an rpc, as its caller gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncwire._protocol.framing import text_of
from ncwire.errors import MessageError, RPCError

if TYPE_CHECKING:
    from typing import Self
    from xml.etree.ElementTree import Element

    from ncwire._protocol.framing import Document
    from ncwire._session.listeners import Root
    from ncwire.errors import ErrorElement


class Reply:
    """The reply to an rpc: `raw` is the document, `root` its root's name and attributes.

    Nothing of it is read before it is asked for, and an `<rpc-error>` is left to the caller:
    `raise_for_errors`, `errors`, `warnings`. All but `raw` raise `MessageError` for a document
    that is not well-formed, `ForbiddenXMLError` for one with a DOCTYPE; the session lives.
    """

    __slots__ = ("_content", "_element", "_found", "message_id", "root")

    # Not set before they are asked for: each rpc makes one of these.
    _element: Element
    _found: tuple[tuple[ErrorElement, ...], tuple[ErrorElement, ...]]

    def __init__(self, content: str | Document, root: Root, message_id: str | None) -> None:
        self._content = content
        self.root = root
        self.message_id = message_id

    @property
    def raw(self) -> str:
        """The whole document. A large one is decoded when it is first asked for."""
        return text_of(self._content)

    @property
    def ok(self) -> bool:
        """Whether there is no error in it; warnings are none."""
        return not self.errors

    @property
    def errors(self) -> tuple[ErrorElement, ...]:
        """Its `<rpc-error>` elements but for warnings, from any depth, in their order."""
        return self._errors_and_warnings()[0]

    @property
    def warnings(self) -> tuple[ErrorElement, ...]:
        """Its `<rpc-error>` elements of severity "warning"."""
        return self._errors_and_warnings()[1]

    def raise_for_errors(self) -> Self:
        """Raise `RPCError` if there are errors in it, else return the reply itself."""
        errors, warnings = self._errors_and_warnings()
        if errors:
            raise RPCError(errors, warnings, self.message_id, raw=self.raw)
        return self

    @property
    def element(self) -> Element:
        """The document's root as an element of `xml.etree.ElementTree`, read with defusedxml.

        It is read once, and is the same each time.
        """
        try:
            return self._element
        except AttributeError:
            # As little as `import ncwire` needs is read with it.
            from ncwire._protocol.replies import parsed  # noqa: PLC0415

            self._element = parsed(self.raw)
            return self._element

    @property
    def data(self) -> Element:
        """The `<data>` in it: what get, get-config, get-data (RFC 8526) and get-schema return.

        Raises `RPCError` where the reply has errors in its place, and `MessageError` where it
        has neither.
        """
        from ncwire._protocol.replies import children  # noqa: PLC0415 - as in `element`

        for found in children(self.element, "data"):
            return found
        self.raise_for_errors()
        has = ", ".join(str(child.tag) for child in self.element) or "nothing"
        raise MessageError(f"the reply to rpc {self.message_id} has no <data>, but {has}")

    def lxml(self, parser: Any = None) -> Any:
        """Return the document's root as an element of lxml, read anew.

        With a `parser` of lxml's it is read by that, as for `huge_tree`; else by one that resolves
        no entities, and fetches nothing. Raises `OptionError` where lxml is not installed.
        """
        from ncwire._protocol.replies import parsed_by_lxml  # noqa: PLC0415 - as in `element`

        return parsed_by_lxml(self.raw, parser)

    def _errors_and_warnings(
        self,
    ) -> tuple[tuple[ErrorElement, ...], tuple[ErrorElement, ...]]:
        try:
            return self._found
        except AttributeError:
            # A name is written in one way only. So most replies need not be read to know it.
            if "rpc-error" not in self.raw:
                self._found = ((), ())
                return self._found
            from ncwire._protocol.replies import error_elements  # noqa: PLC0415 - as in `element`

            self._found = error_elements(self.element)
            return self._found

    def __repr__(self) -> str:
        return f"Reply(message_id={self.message_id!r})"  # the document may hold secrets

    def __reduce__(self) -> tuple[type[Reply], tuple[str, Root, str | None]]:
        # A document is joined and decoded where it is, and not once more in each copy.
        return type(self), (self.raw, self.root, self.message_id)
