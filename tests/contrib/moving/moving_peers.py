"""What talking to each of the odd peers comes to, and why the libraries differ.

Made with `odd_peers.py`, ncclient 0.7.1 and paramiko: what a session with a connect, a get and a
close-session comes to with ncclient, with the drop-in and with ncwire. "A or B" is either.
"""

from __future__ import annotations

CLOSE = "the end of the stream is the answer to close-session"
SYNTAX = "the reply is handed over as it came; reading it is a ``MessageError``"
FRAMING = "it is told at once, where ncclient waits for the rest until the rpc's time is up"
STRICT = "RFC 6242 section 4.2 has no such chunk, and what follows cannot be trusted"
DOCTYPE = "on purpose: nothing of NETCONF's has one, and entities can be an attack"

MET: dict[str, tuple[str, str, str, str]] = {
    "family: default": ("works", "works", "works", ""),
    "family: junos": ("works", "works", "works", ""),
    "family: iosxr": (
        "XMLSyntaxError",
        "SessionError",
        "works",
        "tags that are split over lines and control characters are mended by the profile",
    ),
    "family: iosxe": ("works", "works", "works", ""),
    "family: csr": ("works", "works", "works", ""),
    "family: nexus": ("SessionCloseError", "SessionCloseError", "works", CLOSE),
    "family: huawei": (
        "XMLSyntaxError",
        "XMLSyntaxError",
        "works",
        "NUL and control characters are dropped by the profile; ncclient strips NUL at the ends",
    ),
    "family: huaweiyang": ("works", "works", "works", ""),
    "family: sros": ("works", "works", "works", ""),
    "family: sros-private": ("works", "works", "works", ""),
    "family: alu": ("works", "works", "works", ""),
    "family: h3c": ("works", "works", "works", ""),
    "family: hpcomware": ("works", "works", "works", ""),
    "family: ciena": ("works", "works", "works", ""),
    "family: ericsson": ("works", "works", "works", ""),
    "family: netopeer2": (
        "OperationError",
        "OperationError",
        "works",
        "a reply without a message-id goes to the oldest rpc",
    ),
    "family: netconfd": ("works", "works", "works", ""),
    "family: ruggedcom": (
        "TimeoutExpiredError",
        "NetconfFramingError",
        "works",
        "the profile keeps to base 1.0, since the device's chunks are wrong",
    ),
    "family: clixon": (
        "SessionCloseError",
        "SessionCloseError",
        "works",
        "the profile keeps to base 1.0, since the device does not go over to chunks",
    ),
    "hello: no session-id": (
        "works",
        "works",
        "HelloSessionIdError",
        "RFC 6241 section 8.1 wants one; ``require_session_id=False`` takes it",
    ),
    "hello: session-id 0": (
        "works",
        "SessionError",
        "HelloSessionIdError",
        "no session has that number (RFC 6241, session-id-type)",
    ),
    "hello: DOCTYPE": ("works", "SessionError", "ForbiddenXMLError", DOCTYPE),
    "hello: no XML": (
        "SessionError",
        "SessionError",
        "HelloMissingError",
        "it is told at once, with what came in its place",
    ),
    "hello: cut off": (
        "XMLSyntaxError",
        "SessionError",
        "HelloMalformedError",
        "an error of ours",
    ),
    "hello: a reply in its place": (
        "SessionError",
        "SessionError",
        "HelloMissingError",
        "it is told at once, with what came in its place",
    ),
    "hello: no common base": (
        "works",
        "SessionError",
        "NoCommonBaseError",
        "the two have no version of the protocol in common, so nobody knows the framing",
    ),
    "hello: no namespace": ("works", "works", "works", ""),
    "hello: after a comment": ("works", "works", "works", ""),
    "hello: after white space": ("works", "works", "works", ""),
    "hello: after a text": (
        "SessionError",
        "SessionError",
        "HelloMissingError",
        "it is told at once, with what came in its place",
    ),
    "reply: no message-id": (
        "OperationError",
        "OperationError",
        "works",
        "it goes to the oldest rpc; replies come in the order of the rpcs (RFC 6241 section 4.5)",
    ),
    "reply: another message-id": (
        "OperationError",
        "TimeoutExpiredError",
        "RPCTimeoutError",
        "it is nobody's, is logged and counted, and the rpc waits for its own",
    ),
    "reply: twice": (
        "OperationError or TransportError",
        "works",
        "works",
        "the second is nobody's, and ends no session",
    ),
    "reply: after a notification": ("works", "works", "works", ""),
    "reply: after an empty message": (
        "works",
        "NetconfFramingError",
        "NetconfFramingError",
        "nothing between two end markers is no XML: the framing is not what was agreed",
    ),
    "reply: after a comment": ("works", "works", "works", ""),
    "reply: no namespace": (
        "TimeoutExpiredError",
        "TimeoutExpiredError",
        "works",
        "its message-id says whose it is",
    ),
    "reply: not UTF-8": (
        "UnicodeDecodeError",
        "SessionError",
        "MessageDecodeError",
        "that rpc fails, with the bytes, and the session lives",
    ),
    "reply: characters of three bytes": (
        "UnicodeDecodeError",
        "works",
        "works",
        "a chunk is bytes, and a character may go over its end",
    ),
    "reply: not well-formed": ("XMLSyntaxError", "XMLSyntaxError", "MessageError", SYNTAX),
    "reply: DOCTYPE": ("works", "SessionError", "ForbiddenXMLError", DOCTYPE),
    "reply: a control character": ("XMLSyntaxError", "XMLSyntaxError", "MessageError", SYNTAX),
    "reply: NUL after it": ("XMLSyntaxError", "XMLSyntaxError", "MessageError", SYNTAX),
    "reply: ]]> in a text": ("works", "works", "works", ""),
    "reply: ## in a text": ("works", "works", "works", ""),
    "chunks: of one byte": ("works", "works", "works", ""),
    "chunks: a size with a zero in front": (
        "works",
        "NetconfFramingError",
        "NetconfFramingError",
        STRICT,
    ),
    "chunks: a size of no number": (
        "TimeoutExpiredError",
        "NetconfFramingError",
        "NetconfFramingError",
        FRAMING,
    ),
    "chunks: a size of 0": ("works", "NetconfFramingError", "NetconfFramingError", STRICT),
    "chunks: a carriage return before each": (
        "TimeoutExpiredError",
        "NetconfFramingError",
        "NetconfFramingError",
        FRAMING,
    ),
    "chunks: a line feed too many": (
        "TimeoutExpiredError",
        "NetconfFramingError",
        "NetconfFramingError",
        FRAMING,
    ),
    "chunks: none, though agreed": (
        "SessionCloseError",
        "SessionCloseError",
        "SessionCloseError",
        "",
    ),
    "close-session: the end is the answer": (
        "SessionCloseError",
        "SessionCloseError",
        "works",
        CLOSE,
    ),
    "close-session: a comment after it": ("works", "works", "works", ""),
}
