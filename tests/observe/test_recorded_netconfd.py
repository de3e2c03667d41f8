"""A trace of a real session, replayed: the same client code passes, and it has no secret."""

from __future__ import annotations

import pytest

import ncwire
from ncwire._cli import main
from ncwire.errors import RPCError
from ncwire.observe import TraceWriter
from ncwire.testing import Replay

MARK = "Zq8MarkedSecret"
SECRETS = (
    f"username admin password 7 {MARK}0",
    f"$6${MARK}1/x",
    f"-----BEGIN PRIVATE KEY-----\n{MARK}2\n-----END PRIVATE KEY-----",
    f"hostname r1\nsnmp-server community {MARK}3 RO",
)
SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
EDIT = """
<edit-config><target><candidate/></target><config>
  <system xmlns="{}">{}</system>
</config></edit-config>
"""
GET = f"""
<get-config><source><candidate/></source>
<filter type="subtree"><system xmlns="{SYSTEM}"/></filter></get-config>
"""


def client(session):
    """Configure the system's contact, read it back, and make a mistake; return what it saw."""
    seen = [":candidate" in session.server_capabilities, session.id]
    with pytest.raises(RPCError) as refused:
        session.rpc(EDIT.format(SYSTEM, f"<password>{MARK}4</password>"), check=True)
    seen.append(refused.value.tag)
    seen.append(session.rpc("<lock><target><candidate/></target></lock>", check=True).ok)
    for text in SECRETS:
        edit = EDIT.format(SYSTEM, f"<contact>{text}</contact>")
        seen.append(session.rpc(edit, check=True).ok)
        contacts = session.rpc(GET, check=True).element.iter(f"{{{SYSTEM}}}contact")
        seen.append(sum(1 for _ in contacts))
    seen.append(session.rpc("<discard-changes/>", check=True).ok)
    seen.append(session.rpc("<unlock><target><candidate/></target></unlock>", check=True).ok)
    return seen


@pytest.fixture
def parameters(netconfd):
    return {
        "host": netconfd.host,
        "profile": "netconfd",
        "port": netconfd.port,
        "username": netconfd.user,
        "key_filename": netconfd.client_key,
        "known_hosts": netconfd.known_hosts,
        "allow_agent": False,
        "look_for_keys": False,
    }


@pytest.mark.netconfd
def test_the_same_code_passes_against_the_replay(parameters, noting, tmp_path, capsys):
    path = tmp_path / "netconfd.trace"
    with (
        TraceWriter(path) as trace,
        ncwire.connect(**parameters, observers=[trace, noting]) as session,
    ):
        seen = client(session)
    assert seen.count(1) >= len(SECRETS)
    received = b"".join(each.body for each in noting.of("message_received"))
    sent = b"".join(each.body for each in noting.of("message_sent"))
    assert [f"{MARK}{number}".encode() in received for number in range(4)] == [True] * 4
    assert [f"{MARK}{number}".encode() in sent for number in range(5)] == [True] * 5
    assert MARK not in path.read_text()
    assert main(["trace", "--messages", str(path)]) == 0
    assert MARK not in capsys.readouterr().out

    for transport in ("unix", "ssh"):
        with (
            Replay(path, transport=transport) as device,
            ncwire.connect(**device.parameters) as session,
        ):
            assert client(session) == seen
