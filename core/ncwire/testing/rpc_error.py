"""`RPCError`: what an operation of the embedded server may refuse with."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

if TYPE_CHECKING:
    from collections.abc import Mapping

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class RPCError(Exception):
    """One <rpc-error> (RFC 6241 section 4.3, the tags in its appendix A).

    `tag` is the error-tag, `layer` the error-type ("transport", "rpc", "protocol" or
    "application"), `info` the leaves of error-info by their names.
    """

    def __init__(
        self,
        tag: str,
        message: str,
        *,
        layer: str = "protocol",
        info: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.tag = tag
        self.layer = layer
        self.info = dict(info)

    def element(self, namespace: str) -> Element:
        """Return the <rpc-error> element, all of it in `namespace`."""
        error = Element(f"{{{namespace}}}rpc-error")

        def add(parent: Element, name: str, text: str) -> Element:
            child = SubElement(parent, f"{{{namespace}}}{name}")
            child.text = text
            return child

        add(error, "error-type", self.layer)
        add(error, "error-tag", self.tag)
        add(error, "error-severity", "error")
        add(error, "error-message", str(self)).set(_XML_LANG, "en")
        if self.info:
            details = SubElement(error, f"{{{namespace}}}error-info")
            for name, text in self.info.items():
                add(details, name, text)
        return error
