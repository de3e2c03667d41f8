"""Subtree filtering (RFC 6241 section 6)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ncwire._protocol.messages import BASE_NS
from ncwire.testing.document import local_name, namespace_of


def matches(node: Element, wanted: Element) -> bool:
    """Tell whether a filter's element names a node.

    A filter's element without a namespace names that of any (section 6.2.1), and so does one
    that has merely inherited NETCONF's own from the <rpc> around it.
    """
    if namespace_of(wanted) in {"", BASE_NS}:
        return local_name(node) == local_name(wanted)
    return node.tag == wanted.tag


def select(node: Element, wanted: Element) -> Element | None:
    """Return what a filter's element, which `matches` the node, takes of it; None for nothing.

    The node itself is returned when all of it is taken, and a new element otherwise.
    """
    if any(node.get(name) != value for name, value in wanted.items()):
        return None
    contents = [child for child in wanted if _is_content_match(child)]
    if not all(_has_content(node, content) for content in contents):
        return None
    selectors = [child for child in wanted if not _is_content_match(child)]
    if not selectors:
        return node
    taken = Element(node.tag, node.attrib)
    for child in node:
        if any(matches(child, content) for content in contents):
            taken.append(child)
            continue
        found = [select(child, selector) for selector in selectors if matches(child, selector)]
        taken.extend([part for part in found if part is not None])
    return taken if len(taken) else None


def _is_content_match(wanted: Element) -> bool:
    return len(wanted) == 0 and bool((wanted.text or "").strip())


def _has_content(node: Element, wanted: Element) -> bool:
    value = (wanted.text or "").strip()
    return any(matches(child, wanted) and (child.text or "").strip() == value for child in node)
