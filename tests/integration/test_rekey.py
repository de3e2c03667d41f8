"""Keys exchanged anew in the middle of large transfers, on each driver."""

from __future__ import annotations

import hashlib

import pytest

from thoroughness import sampled

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024
# What the server's get-bytes repeats; written down here again, so that both must agree.
PATTERN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"


@pytest.fixture
def session(make_sshd, connect):
    return connect(make_sshd(config="RekeyLimit 1M"))


@sampled("megabytes", 10, 100)
def test_a_large_reply_is_identical(session, megabytes):
    size = megabytes * MEGABYTE
    reply = session.rpc(f'<get-bytes n="{size}"/>', timeout=110)
    text = reply.raw[reply.raw.index("<data>") + 6 : reply.raw.index("</data>")]
    expected = (PATTERN * (size // len(PATTERN) + 1))[:size]
    assert len(text) == size
    assert text == expected


@sampled("megabytes", 5, 50)
def test_a_large_request_is_identical(session, megabytes):
    payload = "x" * (megabytes * MEGABYTE)
    operation = f"<digest>{payload}</digest>"
    reply = session.rpc(operation, timeout=110)
    sent = _document(reply.message_id, operation)
    assert hashlib.sha256(sent).hexdigest() in reply.raw
    assert f'n="{len(sent)}"' in reply.raw


def _document(message_id: str, operation: str) -> bytes:
    return (
        f'<rpc message-id="{message_id}" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
        f"{operation}</rpc>"
    ).encode()
