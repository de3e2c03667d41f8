"""What is written for each operation of ncclient's sends what that sends."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from moving_operations import BROKEN, MONITORING, OF_VENDORS, OPERATIONS, Operation
from ncclient import manager
from ncclient.xml_ import to_ele
from three_ways import login_at

import ncwire
from ncwire.testing import EmbeddedServer
from profiles.peers import NS, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.testing import ChannelStream

END = b"]]>]]>"
CAPABILITIES = (
    "urn:ietf:params:netconf:base:1.0",
    *(
        f"urn:ietf:params:netconf:capability:{name}"
        for name in (
            "writable-running:1.0", "candidate:1.0", "confirmed-commit:1.1", "startup:1.0",
            "rollback-on-error:1.0", "validate:1.1", "xpath:1.0", "notification:1.0",
            "url:1.0?scheme=https",
            "with-defaults:1.0?basic-mode=explicit&amp;also-supported=report-all",
        )
    ),
    # Each of the two operations asks for another spelling.
    "urn:liberouter:param:netconf:capability:power-control:1.0",
    "urn:liberouter:params:netconf:capability:power-control:1.0",
)  # fmt: skip


class Noting:
    """A server that agrees to everything, and notes it."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    def __call__(self, stream: ChannelStream) -> None:
        listed = "".join(f"<capability>{uri}</capability>" for uri in CAPABILITIES)
        stream.send(
            f'<hello xmlns="{NS}"><capabilities>{listed}</capabilities>'
            f"<session-id>7</session-id></hello>".encode()
            + END
        )
        wire = Wire(stream)
        wire.until(END)
        while rpc := wire.until(END):
            operation = ET.fromstring(rpc)[0]
            self.operations.append(ET.tostring(operation, encoding="unicode"))
            number = re.search(r'message-id="([^"]*)"', rpc)
            assert number is not None
            stream.send(
                f'<rpc-reply xmlns="{NS}" message-id="{number[1]}"><ok/><data/>'
                f'<data xmlns="{MONITORING}"/></rpc-reply>'.encode()
                + END
            )
            if "close-session" in rpc:
                break
        stream.close()

    def taken(self) -> list[str]:
        """Return what has come, in one form, and forget it."""
        came, self.operations = self.operations, []
        return [ET.canonicalize(each, rewrite_prefixes=True, strip_text=True) for each in came]


@pytest.fixture(scope="module")
def noting() -> Iterator[tuple[EmbeddedServer, Noting]]:
    script = Noting()
    with EmbeddedServer(script=script, commands=("xml-mode netconf need-trailer",)) as server:
        yield server, script


def sent_by_ncclient(server: EmbeddedServer, script: Noting, each: Operation) -> list[str]:
    m = manager.connect(**login_at(server), device_params={"name": each.vendor})
    with closing(m._session):
        eval(each.ncclient, {"m": m, "to_ele": to_ele, "NC": NS})
    return script.taken()


def sent_by_ncwire(server: EmbeddedServer, script: Noting, each: Operation) -> list[str]:
    with closing(ncwire.connect(**login_at(server), profile=each.vendor)) as s:
        eval(each.ncwire, {"s": s, "to_ele": to_ele, "NC": NS})
    return script.taken()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "each", OPERATIONS + OF_VENDORS, ids=lambda each: f"{each.vendor}-{each.ncclient}"
)
def test_the_same_is_sent(each, noting):
    server, script = noting
    own = sent_by_ncclient(server, script, each)

    assert len(own) == 1
    assert sent_by_ncwire(server, script, each) == own


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_what_ncclient_cannot_send(name, noting):
    server, script = noting
    m = manager.connect(**login_at(server))
    with closing(m._session), pytest.raises(ValueError, match="Invalid tag name"):
        getattr(m, name)()
    with closing(ncwire.connect(**login_at(server))) as s:
        eval(BROKEN[name], {"s": s})
    assert len(script.taken()) == 1


def test_every_operation_has_its_row():
    assert {*BROKEN, *(each.name for each in OPERATIONS)} == set(manager.OPERATIONS)


def test_the_profile_of_each_vendor_is_there():
    assert {each.vendor for each in OF_VENDORS} <= set(ncwire.profiles.built_in())
