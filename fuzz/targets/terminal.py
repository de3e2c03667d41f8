"""A reply on a terminal: nothing in it has an effect there, and `<rpc-error>` is seen."""

from __future__ import annotations

import io
import unicodedata

from ncwire._cli.documents import has_rpc_error, is_rpc_error, laid_out
from ncwire._cli.terminal import printable
from targets import expat
from targets.property import agree, require

TOKENS = (
    b"<rpc-reply>", b"</rpc-reply>", b"<rpc-error>", b"</rpc-error>", b"<rpc-error/>", b"<data>",
    b"\x1b", b'<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">', b"<!DOCTYPE a>",
    b"\xc2\x9b", b"\x07", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&#27;", b"&#x9b;", b"\x7f",
    b"\r", b"\n", b"\t", b"&amp;",
)  # fmt: skip
LONGEST = 2048


def one(data: bytes) -> None:
    """Show a reply."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    arranged = laid_out(text)
    shown = printable(arranged)
    steering = {each for each in shown if unicodedata.category(each) == "Cc"} - {"\n", "\t"}
    require(not steering, f"nothing in a reply steers a terminal: {steering}")
    judged = expat.judge(text.encode())
    if judged.well_formed and not judged.doctype:
        agree(
            "what is laid out is the same document",
            judged.root,
            expat.judge(arranged.encode()).root,
        )
    agree(
        "an error is seen in text and in a file",
        has_rpc_error(text),
        is_rpc_error(io.StringIO(text)),
    )
