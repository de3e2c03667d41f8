"""The text of NETCONF's operations (RFC 6241 section 7), of what the tasks are given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

from ncwire._protocol.messages import BASE_NS, escaped
from ncwire._protocol.operation import as_whole, body_of
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire._protocol.operation import WholeOperation

DISCARD: Final = b"<discard-changes/>"
COMMIT: Final = b"<commit/>"

_NAME = re.compile(r"[^\W\d][\w.-]*")
_Element = tuple[str, dict[str, str]]


def filtered(
    operation: str,
    parameters: bytes,
    subtree: WholeOperation | None,
    xpath: str | None,
    namespaces: Mapping[str, str] | None,
) -> bytes:
    """Return an operation with a filter: a subtree, an XPath expression, or none.

    Raises `OptionError` for what is not well-formed, and for both at once.
    """
    if xpath is None and namespaces is not None:
        raise OptionError("namespaces", "are those of an xpath, and there is none")
    if subtree is not None and xpath is not None:
        raise OptionError("xpath", "is given besides a filter: give one of them")
    wanted = b""
    if subtree is not None:
        content, _ = _content("filter", subtree)
        wanted = b'<filter type="subtree">%b</filter>' % content
    elif xpath is not None:
        wanted = _by_xpath(xpath, namespaces or {})
    name = operation.encode()
    return b"<%b>%b%b</%b>" % (name, parameters, wanted, name)


def datastore(role: str, name: str) -> bytes:
    """Return a `<source>` or `<target>`: a datastore by its name, or a URL (section 8.8).

    Raises `OptionError` for what is neither.
    """
    if not name or not _is_text(name):
        raise OptionError(role, 'must be the name of a datastore, such as "running", or a URL')
    if "://" in name:
        inner = f"<url>{escaped(name)}</url>"
    elif _NAME.fullmatch(name):
        inner = f"<{name}/>"
    else:
        raise OptionError(role, f"{name!r} is neither a datastore's name nor a URL")
    return f"<{role}>{inner}</{role}>".encode()


def lock(target: str) -> bytes:
    """Return a `<lock>` of a datastore (section 7.5)."""
    return b"<lock>%b</lock>" % datastore("target", target)


def unlock(target: str) -> bytes:
    """Return an `<unlock>` of a datastore (section 7.6)."""
    return b"<unlock>%b</unlock>" % datastore("target", target)


def validate(source: str) -> bytes:
    """Return a `<validate>` of a datastore (section 8.6.4.1)."""
    return b"<validate>%b</validate>" % datastore("source", source)


def edit(target: str, options: Mapping[str, str | None], config: WholeOperation) -> bytes:
    """Return an `<edit-config>` (section 7.2); `options` are in the order of its elements.

    `config` is a `<config>`, or what is to be inside of one. Raises `OptionError` where it is not
    well-formed.
    """
    content, elements = _content("config", config)
    if not (len(elements) == 1 and _is_config(elements[0])):
        content = b"<config>%b</config>" % content
    chosen = "".join(f"<{name}>{value}</{name}>" for name, value in options.items() if value)
    return b"<edit-config>%b%b%b</edit-config>" % (
        datastore("target", target),
        chosen.encode(),
        content,
    )


def _by_xpath(xpath: str, namespaces: Mapping[str, str]) -> bytes:
    if not xpath or not _is_text(xpath):
        raise OptionError("xpath", "must be an XPath expression")
    declared = ""
    for prefix, uri in namespaces.items():
        if not _NAME.fullmatch(prefix):
            raise OptionError("namespaces", f"{prefix!r} is no prefix")
        declared += f' xmlns:{prefix}="{escaped(uri)}"'
    return f'<filter type="xpath"{declared} select="{escaped(xpath)}"/>'.encode()


def _is_text(given: object) -> bool:
    return isinstance(given, str)


def _content(option: str, given: Any) -> tuple[bytes, list[_Element]]:
    """Return one element or several as XML in UTF-8, and each one's name and attributes."""
    try:
        whole = as_whole(given)
        body = b"" if whole is None else bytes(body_of(whole))
    except OptionError as error:
        raise OptionError(option, error.problem) from error.__cause__
    if whole is None:
        raise OptionError(option, "must be text, bytes or one XML element")
    return body, _elements(option, body)


def _elements(option: str, body: bytes) -> list[_Element]:
    """Return the outermost elements. Raises `OptionError` unless all is well-formed."""
    elements: list[_Element] = []
    depth = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth == 1:
            elements.append((name, attributes))
        depth += 1

    def ended(_name: str) -> None:
        nonlocal depth
        depth -= 1

    # Not aware of namespaces: prefixes may be those that a profile declares in <rpc>.
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler, parser.EndElementHandler = started, ended
    try:
        # On a line of its own, so that columns are those of what was given.
        for piece in (b"<_>\n", body, b"</_>"):
            parser.Parse(piece)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        problem = expat.errors.messages[error.code]
        place = f"line {error.lineno - 1}, column {error.offset + 1}"
        raise OptionError(option, f"is not well-formed: {problem} ({place})") from None
    return elements


def _is_config(element: _Element) -> bool:
    """Return whether it is NETCONF's own `<config>`, and not one of a data model's."""
    name, attributes = element
    prefix, colon, local = name.rpartition(":")
    namespace = attributes.get(f"xmlns:{prefix}" if colon else "xmlns", BASE_NS)
    return local == "config" and namespace == BASE_NS
