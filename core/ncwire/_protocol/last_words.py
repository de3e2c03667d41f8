"""What a peer says before it goes, made fit for an error: cleaned, bounded, and no configuration.

A NETCONF message may hold secrets, and nothing of one is shown but an rpc-error's message. What is
no message is shown: text where a document was due, a comment, what came beside the stream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from ncwire._protocol.messages import spellings
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from ncwire.driver import LastWords

LONGEST: Final = 300
"""How many characters of it are shown, of each kind."""

_LOOKED_AT = 4096
_TEXT = re.compile(rb"[^<]+")
_COMMENT = re.compile(rb"\s*<!--(.*?)(?:-->|\Z)", re.DOTALL)
_RPC_ERROR = spellings("rpc-error")
_REFUSES = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:[\w.-]+:)?rpc-(?:error|reply)[\s>]")


def stray_text(data: bytes) -> str:
    """Return what these bytes say, which are not to be a whole message; "" for the part of one.

    It is the text with which they begin, or the comments where there is nothing else.
    """
    head = data[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf\0 \t\r\n")
    if text := _TEXT.match(head):
        return fit(text[0])
    comments, at = [], 0
    while comment := _COMMENT.match(head, at):
        comments.append(comment[1])
        at = comment.end()
    return "" if head[at:].strip() else fit(b" ".join(comments))


def error_message(document: str) -> str:
    """Return what the first rpc-error in a document says; "" where there is none.

    That is its error-message, and its error-tag where it has none (RFC 6241 section 4.3).
    """
    if not _REFUSES.match(document):
        return ""
    try:
        root = fromstring(document.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return ""
    error = next((each for each in root.iter() if each.tag in _RPC_ERROR), None)
    if error is None:
        return ""
    texts = {each.tag.rpartition("}")[2]: each.text or "" for each in error}
    return fit(texts.get("error-message") or texts.get("error-tag", ""))


def told(text: str, words: LastWords) -> str:
    """Return a clause for an error: what was said on the stream and beside it; "" for nothing."""
    parts = [f'it said "{text}"'] if text else []
    if stderr := fit(words.stderr):
        parts.append(f'it said on stderr "{stderr}"')
    if words.signal:
        parts.append(f"ended by signal {one_line(words.signal, LONGEST)}")
    elif words.exit_status:  # 0 says nothing
        parts.append(f"exit status {words.exit_status}")
    return ", ".join(parts)


def fit(text: str | bytes) -> str:
    """Return a text of the peer's in one line, cleaned and bounded."""
    if isinstance(text, bytes):
        text = text[: 4 * LONGEST + 4].decode("utf-8", "replace")
    return one_line(" ".join(text.split()), LONGEST)
