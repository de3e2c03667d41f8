"""What answers where SSH was expected is named, or quoted."""

from __future__ import annotations

import ssl

import pytest

from ncwire.driver import no_identification


def clients_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="tls")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def servers_alert() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(b"SSH-2.0-ncwire\r\n")
    with pytest.raises(ssl.SSLError):
        server.do_handshake()
    return outgoing.read() or b"\x15\x03\x01\x00\x02\x02\x46"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (clients_hello(), "the peer speaks TLS, not SSH"),
        (servers_alert(), "the peer speaks TLS, not SSH"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the peer speaks HTTP, not SSH"),
        (b"\xff\xfd\x18\xff\xfd\x20", "the peer speaks telnet, not SSH"),
        (b"<hello xmlns='a'>", "the peer speaks NETCONF without SSH, not SSH"),
        (b"Not allowed at this time\r\n", 'the peer said "Not allowed at this time"'),
        (b"one\r\n\x1b[2Jtwo\xff", 'the peer said "one \\x1b[2Jtwo\ufffd"'),
        (b"x" * 9_000, f'the peer said "{"x" * 300}..."'),
        (
            b"",
            "without a word; it refuses the connection, or expects another protocol, such as TLS",
        ),
    ],
)
def test_what_is_no_ssh(said, told):
    text = no_identification(said)
    assert text.endswith(told)
    assert text.isprintable()
