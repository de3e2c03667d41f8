"""Who changed a program reads from a replay's error what has changed."""

from __future__ import annotations

from contextlib import closing

import pytest

import ncwire
from ncwire.errors import TraceError
from ncwire.observe import TraceWriter
from ncwire.testing import Replay, ReplayError

EDIT = (
    "<edit-config><target><candidate/></target><config>"
    '<system xmlns="urn:example"{}><location>{}</location></system>'
    "</config></edit-config>"
)
LOCK = "<lock><target><candidate/></target></lock>"
GET = "<get-config><source><running/></source></get-config>"


@pytest.fixture
def recorded(tmp_path, connect):
    path = tmp_path / "recorded.trace"
    with TraceWriter(path) as trace, connect(observers=[trace]) as session:
        for operation in (EDIT.format("", "rack 4"), LOCK, GET):
            session.rpc(operation)
    return path


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (
            EDIT.format("", "rack 5"),
            "'rack 4' in edit-config/config/system/location; got 'rack 5'",
        ),
        (EDIT.format("", ""), "'rack 4' in edit-config/config/system/location; got nothing"),
        (
            EDIT.format(' operation="delete"', "rack 4"),
            "operation=nothing in edit-config/config/system; got 'delete'",
        ),
        (
            EDIT.format("", "rack 4").replace("urn:example", "urn:other"),
            "<system> of namespace 'urn:example' in edit-config/config; got 'urn:other'",
        ),
        (
            EDIT.format("", "rack 4").replace("location", "place"),
            "<location> in edit-config/config/system; got <place>",
        ),
        (
            EDIT.format("", "rack 4").replace("</config>", "</config><test-option/>"),
            "nothing more in edit-config; got <test-option>",
        ),
        (
            "<edit-config><target/></edit-config>",
            "<candidate> in edit-config/target; got nothing more",
        ),
    ],
)
@pytest.mark.parametrize("matching", ["strict", "operations"])
def test_the_first_difference_is_told(recorded, operation, told, matching):
    with (
        closing(Replay(recorded, matching=matching)) as device,
        ncwire.connect(**device.parameters) as session,
    ):
        refused = session.rpc(operation).errors[0].message
        (failure,) = device.failures
    assert f" with {told}: <edit-config>" in failure
    assert "ns0" not in failure
    assert refused.startswith("replay: expected ")
    assert told in refused


def test_what_is_expected_of_a_name_is_told_without_prefixes(recorded):
    with closing(Replay(recorded)) as device, ncwire.connect(**device.parameters) as session:
        session.rpc(GET)
        (failure,) = device.failures
    assert failure.endswith(f"got {GET}")
    assert "expected rpc 1 of 4 of session " in failure
    assert ", <edit-config><target><candidate/></target><config><system><location>" in failure


def test_what_was_not_asked_for_is_one_line(recorded):
    with closing(Replay(recorded)) as device, ncwire.connect(**device.parameters) as session:
        session.rpc(EDIT.format("", "rack 4"), check=True)
    with pytest.raises(ReplayError) as raised:
        device.check()
    assert str(raised.value) == f"replay: not asked for: {LOCK}, and after it <get-config>"


def test_a_session_that_is_not_there_is_told_with_those_that_are(recorded):
    with pytest.raises(TraceError, match=r"no session '9\.9' .*; there are: \d+\.\d+$"):
        Replay(recorded, session="9.9")
