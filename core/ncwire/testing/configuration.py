"""A configuration, and what <edit-config> makes of it (RFC 6241 section 7.2)."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from ncwire._protocol.messages import BASE_NS
from ncwire.testing.document import local_name, parse, serialise
from ncwire.testing.rpc_error import RPCError
from ncwire.testing.subtree import matches, select

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPERATION = f"{{{BASE_NS}}}operation"
_KEY_NAMES = frozenset({"name", "id"})


class Configuration:
    """The top-level elements of a datastore; never changed once made.

    Without a schema list entries are told apart by their first child, which is a list's key in
    YANG's encoding (RFC 7950 section 7.8.5): always if it is called name or id, and else if the
    element occurs more than once. Comments and prefixes are not kept.
    """

    def __init__(
        self, root: Element | None = None, texts: Mapping[Element, bytes] = MappingProxyType({})
    ) -> None:
        self._root = Element("config") if root is None else root
        self._texts = {child: texts[child] for child in self._root if child in texts}

    @classmethod
    def parse(cls, xml: str | bytes) -> Configuration:
        """Read the content of a <config> or <data> element, or one top-level element.

        Raises `DocumentError`.
        """
        root = parse(xml.encode() if isinstance(xml, str) else xml)
        if local_name(root) in {"config", "data"}:
            return cls(_built(root, "merge"))
        config = Element("config")
        config.append(_built(root, "merge"))
        return cls(config)

    def edited(self, config: Element, default_operation: str = "merge") -> Configuration:
        """Return the configuration that an <edit-config>'s <config> makes of this one.

        Raises `RPCError`: bad-attribute, data-exists, data-missing.
        """
        root = Element("config")
        root.extend(_edited_children(self._root, config, default_operation))
        return Configuration(root, self._texts)

    def text(self, subtree: Element | None = None) -> bytes:
        """Return the top-level elements in XML, or what of them a <filter> selects."""
        if subtree is None:
            return b"".join(self._text(child) for child in self._root)
        parts: list[bytes] = []
        for child in self._root:
            for wanted in subtree:
                part = select(child, wanted) if matches(child, wanted) else None
                if part is not None:
                    parts.append(self._text(child) if part is child else self._rendered(part))
        return b"".join(parts)

    def _text(self, child: Element) -> bytes:
        # Large replies are to cost a copy, not the writing of their XML each time.
        if child not in self._texts:
            self._texts[child] = self._rendered(child)
        return self._texts[child]

    @staticmethod
    def _rendered(element: Element) -> bytes:
        return serialise(element, BASE_NS)


def _edited(existing: Element | None, change: Element, inherited: str) -> Element | None:
    """Return what becomes of a node; unchanged parts are shared with the old one."""
    operation = change.get(_OPERATION, inherited)
    match operation:
        case "merge":
            return _built(change, operation) if existing is None else _merged(existing, change)
        case "replace":
            return _built(change, operation)
        case "create":
            if existing is not None:
                raise _data_error("data-exists", change)
            return _built(change, operation)
        case "remove":
            return None
        case "delete":
            if existing is None:
                raise _data_error("data-missing", change)
            return None
        case "none":
            if existing is None:
                raise _data_error("data-missing", change)
            return _merged(existing, change, operation) if len(change) else existing
    raise RPCError(
        "bad-attribute",
        f"{operation!r} is no operation of edit-config",
        info={"bad-attribute": "operation", "bad-element": local_name(change)},
    )


def _merged(existing: Element, change: Element, operation: str = "merge") -> Element:
    if not len(change):
        is_leaf = not len(existing) or (change.text or "").strip()
        return _built(change, operation) if is_leaf else existing
    result = Element(existing.tag, existing.attrib | _plain_attributes(change))
    result.extend(_edited_children(existing, change, operation))
    return result


def _edited_children(existing: Element, change: Element, operation: str) -> list[Element]:
    repeated = _repeated(existing) | _repeated(change)
    children = {_identity(child, repeated): child for child in existing}
    for child in change:
        identity = _identity(child, repeated)
        edited = _edited(children.get(identity), child, operation)
        if edited is None:
            children.pop(identity, None)
        else:
            children[identity] = edited
    return list(children.values())


def _repeated(element: Element) -> frozenset[str]:
    return frozenset(tag for tag, n in Counter(child.tag for child in element).items() if n > 1)


def _identity(element: Element, repeated: frozenset[str]) -> tuple[str, str | None]:
    if not len(element):
        return element.tag, (element.text or "").strip() if element.tag in repeated else None
    key = element[0]
    is_entry = element.tag in repeated or local_name(key) in _KEY_NAMES
    return element.tag, (key.text or "").strip() if is_entry and not len(key) else None


def _built(change: Element, operation: str) -> Element:
    result = Element(change.tag, _plain_attributes(change))
    children = [_edited(None, child, operation) for child in change]
    result.extend([child for child in children if child is not None])
    if not len(change) and change.text:
        result.text = change.text
    return result


def _plain_attributes(element: Element) -> dict[str, str]:
    return {name: value for name, value in element.items() if name != _OPERATION}


def _data_error(tag: str, change: Element) -> RPCError:
    problem = "exists already" if tag == "data-exists" else "does not exist"
    return RPCError(tag, f"{local_name(change)} {problem}", layer="application")
